"""Does an accept, or reading what is pending, cost more with ten million finished deliveries?"""
import statistics
import sys

from . import seed, slices
from .figures import keep
from .servers import Planebridge, Postgres, Scratch

# What the dispatcher asks when it takes work from the journal.
CLAIM = """SELECT d.*, b.body FROM open_deliveries o JOIN deliveries d ON d.seq = o.seq JOIN bodies b ON b.seq = d.seq
WHERE o.status = 0 AND o.seq > 0 ORDER BY o.seq LIMIT 1000"""

# As the daemon's own sessions are set up: the same plan, however small a table is.
SESSION = """SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET enable_bitmapscan = off; SET enable_material = off; SET plan_cache_mode = force_generic_plan; SET jit = off;"""


def add_arguments(p):
    p.add_argument("--finished", type=int, default=10_000_000)
    p.add_argument("--slices", type=int, default=7)
    p.add_argument("--connections", type=int, default=64)


def say(text):
    print(text, file=sys.stderr, flush=True)


def claim_ms(postgres, url):
    """Of 31 readings of a page, the median."""
    shown = postgres.sql(SESSION + "PREPARE claim AS " + CLAIM + ";" + "EXPLAIN (ANALYZE, TIMING OFF) EXECUTE claim;" * 31, url)
    times = [float(line.split()[2]) for line in shown.splitlines() if line.startswith("Execution Time")]
    return statistics.median(times)


def run(a):
    with Scratch() as scratch, Postgres(scratch) as postgres:
        urls = {name: postgres.database(name) for name in ("empty", "full")}
        for name, url in urls.items():
            Planebridge(scratch, postgres, url, name=name).stop()
        say(f"writing {a.finished} deliveries")
        seed.deliveries(postgres, urls["full"], 1, a.finished, items=100_000)
        say("the table has " + postgres.sql("SELECT pg_size_pretty(pg_database_size('full'))", urls["full"]))
        claims = {}
        for name, url in urls.items():
            first = int(postgres.sql("SELECT coalesce(max(seq), 0) FROM deliveries", url))
            seed.deliveries(postgres, url, first + 1, first + 10_000, pending=True, items=1000)
            claims[name] = claim_ms(postgres, url)
            say(f"{name}: a page of 1000 pending deliveries takes {claims[name]:.2f} ms")
            postgres.sql("UPDATE deliveries SET status = 1 WHERE status = 0", url)
            postgres.sql("DELETE FROM open_deliveries", url)
            postgres.sql("VACUUM deliveries", url)
            postgres.sql("VACUUM open_deliveries", url)
        keep("full-claim", claims["full"] / claims["empty"], f"{claims['full'] / claims['empty']:.2f} ×: {claims['full']:.2f} to {claims['empty']:.2f} ms a page")
        with Planebridge(scratch, postgres, urls["empty"], name="empty") as empty, \
                Planebridge(scratch, postgres, urls["full"], name="full") as full:
            taken = slices.alternate([empty, full], postgres, a.slices, {"connections": a.connections, "seconds": 1.5}, say)
    print(slices.table(taken, "empty"))
    cost, rate = slices.ratios(taken, "full", "empty", "cpu_us"), slices.ratios(taken, "full", "empty", "per_second")
    keep("full-accept", statistics.median(cost), f"{slices.spread(cost)} × CPU, {slices.spread(rate)} × accepts/s")
