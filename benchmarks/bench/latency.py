"""Inside the daemon: how long from the commit to planning, and from a delivery to the outbound call."""
import statistics

from . import machine
from .figures import keep
from .remotes import Bridge, NullRemote, quantile, settings
from .servers import Planebridge, Postgres, Scratch, load

FAMILY = "planebridge_commit_to_plan_seconds"


def add_arguments(p):
    p.add_argument("--rate", type=float, default=20, help="deliveries per second that count as unloaded")
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--slices", type=int, default=7)


def run(a):
    commit_to_planning(a)
    to_first_byte(a)


def commit_to_planning(a):
    unloaded, half, rates = [], [], []
    with Scratch() as scratch, Postgres(scratch) as postgres, \
            Planebridge(scratch, postgres, postgres.database("planebridge")) as bridge:
        load(bridge, seconds=2)
        bridge.drain()
        for _ in range(a.slices):
            most = load(bridge, seconds=1.5)["per_second"]
            bridge.drain()
            for rate, into, seconds in ((most / 2, half, 2), (a.rate, unloaded, max(5, a.seconds / a.slices))):
                before = bridge.metrics()
                load(bridge, connections=64, rate=rate, seconds=seconds, warmup=0)
                bridge.drain()
                into.append(1000 * quantile(before, bridge.metrics(), FAMILY, 0.99))
            rates.append(most / 2)
    show = lambda v: f"{statistics.median(v):.2f} ms ({min(v):.2f} to {max(v):.2f})"
    keep("plan-unloaded", statistics.median(unloaded), f"{show(unloaded)} at {a.rate:.0f}/s")
    keep("plan-half", statistics.median(half), f"{show(half)} at {statistics.median(rates):.0f}/s")


def to_first_byte(a):
    with Scratch() as scratch, Postgres(scratch) as postgres:
        sent = scratch.file("sent")
        with NullRemote(scratch) as remote:
            with Bridge(scratch, postgres, postgres.database("planebridge"), **settings(remote)) as bridge:
                load(bridge, connections=4, seconds=2, rate=50, items=0)
                bridge.drain()
                load(bridge, connections=8, seconds=a.seconds * 2, warmup=0, rate=a.rate, items=0, sent=sent)
                bridge.drain()
        arrived = remote.first_bytes()
        took = sorted((arrived[item] - int(due)) / 1e6
                      for item, due in (line.split() for line in sent.read_text().splitlines()) if item in arrived)
        due = len(sent.read_text().splitlines())
    if len(took) < due:
        print(f"{due - len(took)} of {due} deliveries caused no call")
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"to the first byte: {len(took)} deliveries at {a.rate:.0f}/s, least {took[0]:.2f}, most {took[-1]:.2f} ms; "
          f"load average {machine.load_average():.1f}")
    keep("first-byte-p50", p50, f"{p50:.2f} ms")
    keep("first-byte-p99", p99, f"{p99:.2f} ms, {len(took)} deliveries")
