"""Durable accepts beside Go Echo."""
import statistics
import sys

from . import machine, slices
from .figures import keep
from .servers import GoEcho, Planebridge, Postgres, Scratch, slow_fsync


def say(text):
    print(text, file=sys.stderr, flush=True)


def add_arguments(p):
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--slices", type=int, default=7)
    p.add_argument("--seconds", type=float, default=1.5, help="of one slice, after its warm-up of 0.3 s")
    p.add_argument("--rate", type=float, default=0, help="deliveries per second, open loop; 0: closed loop")
    p.add_argument("--new-connections", action="store_true", help="one connection per delivery, as Plane sends")
    p.add_argument("--fsync-ms", type=float, default=0, help="makes each fsync this much slower")
    p.add_argument("--store", choices=["postgres", "sqlite"], default="postgres", help="of planebridge")
    p.add_argument("--items", type=int, default=1000, help="work items that the deliveries are about")
    p.add_argument("--against", metavar="BINARY", help="a second planebridge, instead of Go Echo")
    p.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE", help="of planebridge's environment")


def run(a):
    options = {"connections": a.connections, "seconds": a.seconds, "rate": a.rate, "keep_alive": not a.new_connections,
               "items": a.items}
    settings = dict(s.split("=", 1) for s in a.set)
    with Scratch() as scratch, Postgres(scratch, a.fsync_ms) as postgres:
        if a.store == "sqlite":
            store, url = None, f"sqlite:{scratch.file('planebridge.db')}"
            slow = slow_fsync(scratch, a.fsync_ms)
            if slow:
                settings |= {"LD_PRELOAD": slow["library"], "BENCH_FSYNC_US": slow["BENCH_FSYNC_US"]}
        else:
            store, url = postgres, postgres.database("planebridge")
        if a.against:
            other = Planebridge(scratch, postgres, postgres.database("other"), binary=a.against, name="other")
        else:
            other = GoEcho(scratch, postgres)
        with other, Planebridge(scratch, store, url, **settings) as bridge:
            taken = slices.alternate([other, bridge], postgres, a.slices, options, say)
    print(f"{a.connections} connections, {a.slices} slices, load average {machine.load_average():.1f}; {machine.description()}\n")
    print(slices.table(taken, other.name) + "\n", flush=True)
    if not a.against and not a.set:
        keep_rows(a, taken)
    return taken


def keep_rows(a, taken):
    of = lambda value: slices.ratios(taken, "planebridge", "go-echo", value)
    med = lambda server, value: statistics.median(r[value] for r in taken[server])
    per_second = of("per_second")
    rates = f"{med('planebridge', 'per_second'):.0f}/s to {med('go-echo', 'per_second'):.0f}/s"

    def ratio(key, values, beside):
        keep(key, statistics.median(values), f"{slices.spread(values)} ×; {beside}")

    def milliseconds(value):
        return f"{med('planebridge', value):.2f} to {med('go-echo', value):.2f} ms"

    if a.rate:
        if a.rate == 2500:
            ratio("p99-2500", of("p99_ms"), milliseconds("p99_ms"))
        elif a.rate <= 100:
            ratio("p50-lone", of("p50_ms"), milliseconds("p50_ms"))
    elif a.store == "sqlite":
        if a.connections == 64 and not a.fsync_ms:
            ratio("sqlite-64", per_second, rates)
    elif a.fsync_ms:
        if a.fsync_ms == 5 and a.connections in (64, 256):
            ratio(f"slow-{a.connections}", per_second, rates)
    elif a.new_connections:
        ratio("accepts-new", per_second, rates)
    elif a.connections in (8, 64, 256):
        ratio(f"accepts-{a.connections}", per_second, rates)
        if a.connections == 64:
            ratio("cpu", of("cpu_us"), f"{med('planebridge', 'cpu_us'):.0f} to {med('go-echo', 'cpu_us'):.0f} µs, "
                  f"{med('planebridge', 'cpu_with_backlog_us'):.0f} µs with the planning that followed")
            ratio("p99-64", of("p99_ms"), milliseconds("p99_ms"))
