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


def measure(a, scratch, postgres, database, slices, **more):
    """→ one dictionary a slice."""
    taken = []
    with NullRemote(scratch) as remote, \
            Bridge(scratch, postgres, postgres.database(database), name=database, **settings(remote, 0), **more) as bridge:
        load(bridge, connections=a.connections, seconds=1, items=a.items)
        bridge.drain()
        for _ in range(slices):
            done, began = bridge.effects_done(), time.monotonic()
            cpu = [bridge.cpu_seconds(), postgres.cpu_seconds(), machine.cpu_seconds(remote.pid)]
            r = load(bridge, connections=a.connections, seconds=a.seconds, warmup=0, rate=a.rate, items=a.items)
            accepting = time.monotonic() - began
            bridge.drain(600)
            took, events = time.monotonic() - began, r["accepted"]
            cpu = [(now - before) / events * 1e6 for now, before in
                   zip([bridge.cpu_seconds(), postgres.cpu_seconds(), machine.cpu_seconds(remote.pid)], cpu)]
            taken.append({"events_s": events / took, "accepts_s": events / accepting, "effects": (bridge.effects_done() - done) / events,
                          "server_us": cpu[0], "database_us": cpu[1], "remote_us": cpu[2], "p99_ms": r["p99_ms"],
                          "resident_mb": machine.resident_mb(bridge.pid), "drain_s": took - accepting})
            t = taken[-1]
            print(f"{t['events_s']:.0f} events/s ({t['accepts_s']:.0f} accepts/s, drained {t['drain_s']:.1f} s later), "
                  f"{t['effects']:.2f} effects each, CPU {cpu[0]:.0f} + {cpu[1]:.0f} us, remote {cpu[2]:.0f}, {t['resident_mb']:.0f} MB",
                  file=sys.stderr, flush=True)
    return taken


def run(a):
    with Scratch() as scratch, Postgres(scratch) as postgres:
        taken = measure(a, scratch, postgres, "planebridge", a.slices, **dict(s.split("=", 1) for s in a.set))
    med = lambda key: statistics.median(t[key] for t in taken)
    shown = (f"{med('events_s'):.0f} ({min(t['events_s'] for t in taken):.0f} to {max(t['events_s'] for t in taken):.0f}) events/s; "
             f"CPU per event: server {med('server_us'):.0f}, database {med('database_us'):.0f}, remote {med('remote_us'):.0f} µs")
    if a.items == 0 and not a.set and not a.rate:
        keep("path", med("events_s"), shown)
    else:
        print(shown)
