"""One entry of [concurrency] over several values: accepts, and the whole path."""
import argparse
import contextlib
import statistics
import sys

from . import figures, machine, path, slices
from .servers import Planebridge, Postgres, Scratch

# What is worth trying; others are given on the command line.
VALUES = {
    "http_threads": [1, 2, 4], "http_client_threads": [1, 2], "scheduler_threads": [1, 2, 4],
    "scheduler_throughput": [1, 30, 300, 3000], "store_batch_max": [1, 8, 32, 64, 256, 1024],
    "store_queue_max": [256, 1024, 65536], "in_memory_events": [100, 1000, 10000, 100000],
    "live_actors": [100, 1000, 10000], "caldav_parallel": [1, 2, 4, 8, 16],
}


def add_arguments(p):
    p.add_argument("entry", help="such as store_batch_max; known: " + ", ".join(VALUES))
    p.add_argument("values", nargs="*", type=int)
    p.add_argument("--slices", type=int, default=3)
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--seconds", type=float, default=1.5)
    p.add_argument("--work-ms", type=int, default=0, help="that the calendar server takes for each write")
    p.add_argument("--rate", type=float, default=0, help="of deliveries on the whole path; 0: as they are accepted")


def run(a):
    values = a.values or VALUES[a.entry]
    variable = "PLANEBRIDGE_CONCURRENCY_" + a.entry.upper()
    say = lambda text: print(text, file=sys.stderr, flush=True)
    with Scratch() as scratch, Postgres(scratch) as postgres:
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(Planebridge(scratch, postgres, postgres.database(f"accepts_{v}"), name=f"accepts_{v}",
                                                       **{variable: v})) for v in values]
            taken = slices.alternate(servers, postgres, a.slices,
                                     {"connections": a.connections, "seconds": a.seconds}, say)
        options = argparse.Namespace(connections=a.connections, seconds=1.5, rate=a.rate, items=0)
        whole = {v: [] for v in values}
        with contextlib.ExitStack() as stack:
            paths = {v: stack.enter_context(path.WholePath(scratch, postgres, f"path_{v}", a.work_ms, **{variable: v})) for v in values}
            for k in range(a.slices + 1):
                for v in values if k % 2 == 0 else values[::-1]:
                    whole[v].append(paths[v].slice(options))
        whole = {v: taken[1:] for v, taken in whole.items()}  # the first one finds the calendar
    lines = [f"| `{a.entry}` | accepts/s | p50 ms | p99 ms | CPU µs per accept, planning included | whole path, events/s | then resident, MB |",
             "| --- " * 7 + "|"]
    for v in values:
        med = lambda key: statistics.median(r[key] for r in taken[f"accepts_{v}"])
        of = lambda key: statistics.median(r[key] for r in whole[v])
        lines.append(f"| {v} | {med('per_second'):.0f} | {med('p50_ms'):.1f} | {med('p99_ms'):.1f} | {med('cpu_with_backlog_us'):.0f} | "
              f"{of('events_s'):.0f} | {of('resident_mb'):.0f} |")
    if a.work_ms:
        lines.append(f"\nThe calendar server takes {a.work_ms} ms for each write.")
    lines.append(f"\n{a.slices} slices of {a.seconds:g} s, load average {machine.load_average():.0f}.")
    figures.keep_curve(a.entry, "\n".join(lines))
