"""Where the time of an accepted delivery goes: CPU of each thread and database session, transactions."""
import os

from . import machine
from .servers import Planebridge, Postgres, Scratch, load


def add_arguments(p):
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--new-connections", action="store_true", help="one connection per delivery, as Plane sends")
    p.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE", help="of planebridge's environment")


def threads(pid):
    """{thread: (name, CPU seconds)}"""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat") as f:
            text = f.read()
        ticks = text.rpartition(")")[2].split()
        found[thread] = (text[text.index("(") + 1:text.rindex(")")], (int(ticks[11]) + int(ticks[12])) / machine.TICKS)
    return found


def run(a):
    options = {"connections": a.connections, "keep_alive": not a.new_connections}
    with Scratch() as scratch, Postgres(scratch) as postgres, \
            Planebridge(scratch, postgres, postgres.database("planebridge"), **dict(s.split("=", 1) for s in a.set)) as bridge:
        load(bridge, seconds=1, **options)
        bridge.drain()
        sessions = machine.tree(postgres.pid)[1:]
        cpu = lambda: threads(bridge.pid) | {p: ("PostgreSQL", machine.cpu_seconds(p)) for p in sessions}
        before, metrics = cpu(), bridge.metrics()
        result = load(bridge, seconds=a.seconds, warmup=0, **options)
        after, accepted = cpu(), result["accepted"]
        since = {k: v - metrics.get(k, 0) for k, v in bridge.metrics().items()}
        bridge.drain()
    print(f"{result['per_second']:.0f} accepts/s, p50 {result['p50_ms']:.1f}, p99 {result['p99_ms']:.1f} ms\n")
    print("| thread | µs per accept | busy |\n| --- | --- | --- |")
    for key, (name, seconds) in sorted(after.items(), key=lambda entry: -entry[1][1]):
        used = seconds - before.get(key, (name, 0.0))[1]
        if used / accepted > 1e-6:
            print(f"| {name} | {used / accepted * 1e6:.0f} | {100 * used / a.seconds:.0f} % |")
    count = since["planebridge_journal_commit_seconds_count"]
    took = since["planebridge_journal_commit_seconds_sum"]
    print(f"\n{count:.0f} transactions of {1000 * took / count:.2f} ms, {100 * took / a.seconds:.0f} % of the time; "
          f"{since['planebridge_journal_batch_units_sum'] / count:.0f} writes in each, "
          f"{since['planebridge_journal_batch_deliveries_sum'] / count:.0f} of them deliveries")
