"""Servers side by side, loaded in turn in short slices: A B, B A, … The machine's drift falls on all
alike, and ratios are taken slice by slice."""
import statistics
import time

from . import machine
from .servers import load


def measure(server, postgres, options):
    """One slice: load, then wait until everything accepted is handled."""
    cpu, database, busy, began = server.cpu_seconds(), postgres.cpu_seconds(), machine.busy_seconds(), time.monotonic()
    result = load(server, **options)
    took = time.monotonic() - began
    used, used_database = server.cpu_seconds() - cpu, postgres.cpu_seconds() - database
    others = machine.busy_seconds() - busy - used - used_database - result["cpu_s"]
    drained = server.drain()
    accepted = max(1, result["accepted"])
    whole = server.cpu_seconds() - cpu + postgres.cpu_seconds() - database
    return result | {"server_us": used / accepted * 1e6, "database_us": used_database / accepted * 1e6,
                     "cpu_us": (used + used_database) / accepted * 1e6, "cpu_with_backlog_us": whole / accepted * 1e6,
                     "load_us": result["cpu_s"] / accepted * 1e6, "others_cores": max(0.0, others / took),
                     "resident_mb": machine.resident_mb(server.pid), "drain_s": drained}


def alternate(servers, postgres, slices, options, say=lambda text: None):
    """→ {name: [slice, …]}, each list in the order of the rounds; the first server is the reference."""
    for s in servers:
        load(s, **options | {"seconds": 1, "rate": 0})
        s.drain()
    taken, accepted, rows = {s.name: [] for s in servers}, {s.name: 0 for s in servers}, {s.name: s.rows() for s in servers}
    for k in range(slices):
        for s in servers if k % 2 == 0 else servers[::-1]:
            r = measure(s, postgres, options)
            taken[s.name].append(r)
            accepted[s.name] += r["accepted"]
            say(f"slice {k + 1}/{slices} {s.name}: {r['per_second']:.0f}/s p50 {r['p50_ms']:.2f} p99 {r['p99_ms']:.2f} ms, "
                f"CPU {r['server_us']:.0f} + {r['database_us']:.0f} us, drained in {r['drain_s']:.1f} s, "
                f"others {r['others_cores']:.2f} cores" + (f", refused {r['refused']} broken {r['broken']}" if r["refused"] + r["broken"] else ""))
    for s in servers:
        missing = accepted[s.name] - (s.rows() - rows[s.name])
        if missing > 0:
            raise RuntimeError(f"{s.name}: {missing} accepted deliveries have no row")
    return taken


def ratios(taken, name, reference, value):
    return [a[value] / max(1e-9, b[value]) for a, b in zip(taken[name], taken[reference])]


def spread(values, form="{:.2f}"):
    """Median (least to most)."""
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def table(taken, reference):
    lines = [f"| server | accepts/s | × {reference} | p50 ms | p99 ms | p99 × {reference} | CPU µs per accept: server + database (with backlog; load) | CPU × {reference} (with backlog) | resident MB | late, refused, broken |",
             "| --- " * 10 + "|"]
    for name, runs in taken.items():
        of = lambda value: [r[value] for r in runs]
        med = lambda value: statistics.median(of(value))
        rel = lambda value: ratios(taken, name, reference, value)
        lines.append(
            f"| {name} | {spread(of('per_second'), '{:.0f}')} | {spread(rel('per_second'))} | {med('p50_ms'):.2f} | {spread(of('p99_ms'), '{:.1f}')} | "
            f"{spread(rel('p99_ms'))} | {med('server_us'):.0f} + {med('database_us'):.0f} ({med('cpu_with_backlog_us'):.0f}; {med('load_us'):.0f}) | "
            f"{statistics.median(rel('cpu_us')):.2f} ({statistics.median([a['cpu_with_backlog_us'] / b['cpu_us'] for a, b in zip(runs, taken[reference])]):.2f}) | "
            f"{max(of('resident_mb')):.0f} | {sum(of('late'))}, {sum(of('refused'))}, {sum(of('broken'))} |")
    return "\n".join(lines)
