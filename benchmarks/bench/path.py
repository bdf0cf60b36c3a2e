"""The whole path: accept, plan, effect to a remote that answers at once, outcome committed."""
import statistics
import sys
import time

from . import machine
from .figures import keep
from .remotes import Bridge, NullRemote, settings
from .servers import Postgres, Scratch, load


def add_arguments(p):
    p.add_argument("--seconds", type=float, default=5, help="of accepting, in each slice")
    p.add_argument("--slices", type=int, default=3)
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--rate", type=float, default=0, help="deliveries per second; 0: as fast as they are accepted")
    p.add_argument("--items", type=int, default=0, help="work items; 0: each delivery is about a new one")
    p.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE", help="of planebridge's environment")


class WholePath:
    """A daemon with remotes of its own."""

    def __init__(self, scratch, postgres, database, work_ms=0, **more):
        self.postgres = postgres
        self.remote = NullRemote(scratch, f"{database}_remote", work_ms)
        try:
            self.bridge = Bridge(scratch, postgres, postgres.database(database), name=database,
                                 **settings(self.remote, 0), **more)
        except BaseException:
            self.remote.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bridge.stop()
        self.remote.stop()

    def slice(self, a):
        """Accepts for a.seconds, then waits until every effect is done."""
        processes = (self.bridge, self.postgres, self.remote)
        done, began, cpu = self.bridge.effects_done(), time.monotonic(), [p.cpu_seconds() for p in processes]
        r = load(self.bridge, connections=a.connections, seconds=a.seconds, warmup=0, rate=a.rate, items=a.items)
        accepting, events = time.monotonic() - began, r["accepted"]
        self.bridge.drain(600)
        took = time.monotonic() - began
        used = [(p.cpu_seconds() - before) / events * 1e6 for p, before in zip(processes, cpu)]
        t = {"events_s": events / took, "accepts_s": events / accepting, "drain_s": took - accepting,
             "effects": (self.bridge.effects_done() - done) / events, "server_us": used[0], "database_us": used[1],
             "remote_us": used[2], "resident_mb": machine.resident_mb(self.bridge.pid)}
        print(f"{self.bridge.name}: {t['events_s']:.0f} events/s ({t['accepts_s']:.0f} accepts/s, drained {t['drain_s']:.1f} s later), "
              f"{t['effects']:.2f} effects each, CPU {used[0]:.0f} + {used[1]:.0f} us, remote {used[2]:.0f}, {t['resident_mb']:.0f} MB",
              file=sys.stderr, flush=True)
        return t


def run(a):
    with Scratch() as scratch, Postgres(scratch) as postgres, \
            WholePath(scratch, postgres, "planebridge", **dict(s.split("=", 1) for s in a.set)) as path:
        load(path.bridge, connections=a.connections, seconds=1, items=a.items)
        path.bridge.drain()
        taken = [path.slice(a) for _ in range(a.slices)]
    med = lambda key: statistics.median(t[key] for t in taken)
    shown = (f"{med('events_s'):.0f} ({min(t['events_s'] for t in taken):.0f} to {max(t['events_s'] for t in taken):.0f}) events/s; "
             f"CPU per event: server {med('server_us'):.0f}, database {med('database_us'):.0f}, remote {med('remote_us'):.0f} µs")
    if a.items == 0 and not a.set and not a.rate:
        keep("path", med("events_s"), shown)
    else:
        print(shown)
