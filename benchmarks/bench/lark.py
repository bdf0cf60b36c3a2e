"""Feishu: events and clicks per second, and what bound conversations cost."""
import statistics
import threading
import time

from . import machine
from .figures import keep
from .memory import settled
from .remotes import Bridge, NullRemote
from .servers import LARK_KEY, Postgres, Scratch, load

THREADS = 10_000
PROJECT = "2f6d1c84-9b3a-4e57-8c21-5a0e7d9b4f63"

# As binding leaves them: the conversation with its item as last heard, and the item's link to it.
BOUND = """INSERT INTO entities (key, partition, tombstone, cursor, changed_at, tenant_id, parent, source_time, known)
SELECT 'lark:thread:om_' || lpad(to_hex(i), 32, '0'), i % 256, 0, 0, 1767225600000000, 'default', '', '',
  json_build_object('chat', 'oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e', 'root', 'om_' || lpad(to_hex(i), 32, '0'),
    'bound_by', 'ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a', 'takes', 1, 'language', 'zh', 'item', json_build_object(
      'id', md5(i::text)::uuid, 'project', '{project}', 'identifier', 'WEB', 'n', i, 'name', 'Login page is blank on Safari',
      'url', 'https://plane.example.org/demo/browse/WEB-' || i || '/', 'state', json_build_object('id', '{project}',
      'name', 'In Progress', 'group', 2), 'priority', 2, 'assignees', '[]'::json, 'labels', '[]'::json, 'start', '',
      'target', '2026-12-01', 'excerpt', repeat('What the page shows. ', 6)))::text
FROM generate_series(1, {n}) i;
INSERT INTO links (entity, integration, object, tenant_id, remote_id, state, changed_at, base)
SELECT 'plane:issue:' || md5(i::text)::uuid, 'lark', 'om_' || lpad(to_hex(i), 32, '0'), 'default',
  'oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e', 'live', 1767225600000000, '{{"comments":true,"changes":true}}'
FROM generate_series(1, {n}) i"""


def add_arguments(p):
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--only", choices=["accepts", "clicks", "bound"])


def settings(remote):
    """Nothing but Feishu: Plane and the calendar stay out of the measurement."""
    return dict(LARK_APP_ID="cli_bench", LARK_APP_SECRET="secret", LARK_ENCRYPT_KEY=LARK_KEY, LARK_VERIFICATION_TOKEN="vt-bench",
                LARK_BASE_URL=f"http://127.0.0.1:{remote.port}",
                PLANEBRIDGE_LARK_BOT_OPEN_ID="ou_c0ffee00c0ffee00c0ffee00c0ffee00",
                PLANEBRIDGE_CONCURRENCY_LIVE_ACTORS=20000)


def run(a):
    with Scratch() as scratch, Postgres(scratch, warm=False) as postgres, NullRemote(scratch) as remote:
        start = lambda url, name: Bridge(scratch, postgres, url, name=name, **settings(remote))
        for name, measure in (("accepts", accepts), ("clicks", clicks), ("bound", bound)):
            if a.only in (None, name):
                measure(a, postgres, start)


def accepts(a, postgres, start):
    with start(postgres.database("lark"), "lark") as bridge:
        first = load(bridge, kind="lark_message", seconds=1)
        bridge.drain()
        taken = []
        for _ in range(3):
            taken.append(load(bridge, kind="lark_message", seconds=a.seconds))
            bridge.drain()
        if sum(r["broken"] + r["refused"] for r in taken):
            raise RuntimeError(f"not all were accepted: {taken}")
        most = statistics.median(r["per_second"] for r in taken)
        rates = ", ".join(f"{r['per_second']:.0f}" for r in taken)
        keep("lark-accepts", most, f"{most:.0f} events/s ({rates}), bodies of {taken[0]['mean_body_bytes']:.0f} bytes")
        half = load(bridge, kind="lark_message", seconds=2 * a.seconds, rate=most / 2)
        bridge.drain()
        accepted, rows = sum(r["accepted"] for r in [first, half, *taken]), bridge.rows()
        if rows != accepted:
            raise RuntimeError(f"{accepted} events were accepted, {rows} are in the journal")
        keep("lark-p99-half", half["p99_ms"], f"{half['p99_ms']:.1f} ms at {most / 2:.0f}/s, p50 {half['p50_ms']:.1f} ms, open loop")


def clicks(a, postgres, start):
    with start(postgres.database("clicks"), "clicks") as bridge:
        load(bridge, kind="lark_message", seconds=1, rate=200)
        beside = {}
        events = threading.Thread(target=lambda: beside.update(load(bridge, kind="lark_message", seconds=2 * a.seconds + 1, rate=200)))
        events.start()
        time.sleep(0.5)
        clicked = load(bridge, kind="lark_click", connections=16, rate=20, seconds=2 * a.seconds)
        events.join()
        bridge.drain()
    keep("lark-click-p99", clicked["p99_ms"], f"{clicked['p99_ms']:.1f} ms, p50 {clicked['p50_ms']:.1f} ms, at most "
         f"{clicked['max_ms']:.1f} ms of {clicked['samples']} clicks at 20/s; {beside['per_second']:.0f} events/s beside them")


def bound(a, postgres, start):
    url = postgres.database("bound")
    with start(url, "bound") as bridge:
        pass
    with start(url, "bound") as bridge:
        before = settled(bridge)
    postgres.sql(BOUND.format(n=THREADS, project=PROJECT), url)
    postgres.sql("ANALYZE", url)
    took = []
    for _ in range(5):
        with start(url, "bound") as bridge:
            took.append(bridge.ready_after_s)
    keep("lark-bound-start", statistics.median(took), f"{statistics.median(took):.3f} s ({min(took):.3f} to {max(took):.3f}, {len(took)} starts)")
    with start(url, "bound") as bridge:
        passive = settled(bridge) - before
        keep("lark-bound-memory", passive, f"{passive:.1f} MB; {before:.0f} MB without them")
        figures = []
        for threads in (1000, THREADS):
            for _ in range(3):
                load(bridge, kind="lark_message", connections=8, rate=1500, seconds=6, items=threads)
            bridge.drain()
            figures.append((settled(bridge, 2), bridge.metrics()["planebridge_entities_live"]))
        known = float(bridge.query("SELECT avg(length(known)) FROM entities"))
    each = (figures[1][0] - figures[0][0]) * 1024 / (figures[1][1] - figures[0][1])
    keep("lark-bound-live", each - known / 1024, f"{each:.1f} kB each with {known:.0f} bytes of data; "
         f"{figures[1][1]:.0f} live ones: {figures[1][0]:.0f} MB in all")
