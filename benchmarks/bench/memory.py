"""Resident memory: idle, busy, per connection, per entity."""
import socket
import time

from . import machine
from .figures import keep
from .remotes import Bridge, NullRemote, settings
from .servers import Planebridge, Postgres, Scratch, load

PASSIVE = 1_000_000
CONNECTIONS = 4000

# Known work items, as planning leaves them, without a date: nothing is to be done for them.
ENTITIES = """INSERT INTO entities (key, partition, tombstone, cursor, changed_at, tenant_id, parent, source_time, known)
SELECT 'plane:issue:' || md5(i::text)::uuid, i % 256, 0, 0, 1767225600000000, 'default',
       '2f6d1c84-9b3a-4e57-8c21-5a0e7d9b4f63', '2026-01-01T00:00:00Z', k.known
FROM generate_series(1, {n}) i, (SELECT regexp_replace(known, '"target":"[^"]*"', '"target":""') AS known FROM entities LIMIT 1) k ON CONFLICT DO NOTHING"""


def add_arguments(p):
    p.add_argument("--only", choices=["idle", "busy", "connection", "passive", "live"])


def settled(bridge, seconds=3):
    time.sleep(seconds)  # what starting took is given back
    return machine.resident_mb(bridge.pid)


def run(a):
    with Scratch() as scratch, Postgres(scratch, warm=False) as postgres:
        for name, measure in (("idle", idle), ("busy", busy), ("connection", connection), ("live", live), ("passive", passive)):
            if a.only in (None, name):
                measure(scratch, postgres)


def idle(scratch, postgres):
    with Planebridge(scratch, postgres, postgres.database("idle"), name="idle") as bridge:
        with_postgres = settled(bridge)
    with Planebridge(scratch, None, f"sqlite:{scratch.file('idle.db')}", name="idle-sqlite") as bridge:
        with_sqlite = settled(bridge)
    keep("memory-idle", max(with_postgres, with_sqlite), f"{with_postgres:.1f} MB (PostgreSQL), {with_sqlite:.1f} MB (SQLite)")


def busy(scratch, postgres):
    with Planebridge(scratch, postgres, postgres.database("busy"), name="busy") as bridge:
        load(bridge, connections=256, seconds=10)
        with open(f"/proc/{bridge.pid}/status") as f:
            most = next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM:"))
        bridge.drain()
        after = settled(bridge)
    keep("memory-busy", most, f"{most:.0f} MB at most in 10 s of accepting, {after:.0f} MB after it")


def connection(scratch, postgres):
    """From 200 to 4200 connections: what the first ones made the process ask for is there already."""
    held, figures = [], []
    with Planebridge(scratch, postgres, postgres.database("connections"), name="connections",
                     PLANEBRIDGE_SERVER_MAX_CONNECTIONS=CONNECTIONS + 300) as bridge:
        for more in (200, CONNECTIONS):
            for _ in range(more):
                s = socket.create_connection(("127.0.0.1", bridge.port))
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n")
                s.recv(4096)
                held.append(s)
            figures.append(settled(bridge, 1))
        for s in held:
            s.close()
    each = (figures[1] - figures[0]) * 1024 / CONNECTIONS
    keep("memory-connection", each, f"{each:.1f} kB, {CONNECTIONS} connections that have asked once")


def live(scratch, postgres):
    with Planebridge(scratch, postgres, postgres.database("live"), name="live",
                     PLANEBRIDGE_CONCURRENCY_LIVE_ACTORS=20000) as bridge:
        figures = []
        # Busy buffers are grown already when the first count is taken.
        for items in (1000, 8000):
            for _ in range(2):
                load(bridge, connections=8, rate=1500, seconds=5, items=items)
            bridge.drain()
            figures.append((settled(bridge, 2), bridge.metrics()["planebridge_entities_live"]))
        known = float(bridge.query("SELECT avg(length(known)) FROM entities"))
    each = (figures[1][0] - figures[0][0]) * 1024 / (figures[1][1] - figures[0][1])
    keep("memory-live", each - known / 1024, f"{each:.1f} kB each with {known:.0f} bytes of data, "
         f"{figures[0][1]:.0f} to {figures[1][1]:.0f} entities")


def passive(scratch, postgres):
    grown = []
    with NullRemote(scratch) as remote:
        # Plane is left out: this one has no work items, so that a scan would look for all of them.
        calendar = {k: v for k, v in settings(remote).items() if not k.startswith("PLANE_")}
        for name, more in (("passive", {}), ("passive_calendar", calendar)):
            url = postgres.database(name)
            start = lambda: Bridge(scratch, postgres, url, name=name, **more)
            with start() as bridge:
                load(bridge, connections=4, seconds=1, rate=50, items=1)
                bridge.drain()
            with start() as bridge:
                before = settled(bridge, 5)
            postgres.sql(ENTITIES.format(n=PASSIVE), url)
            postgres.sql("ANALYZE entities", url)
            with start() as bridge:
                time.sleep(10)
                grown.append(settled(bridge, 5) - before)
    keep("memory-passive", max(grown), f"{grown[0]:.1f} MB; {grown[1]:.1f} MB with a calendar")
