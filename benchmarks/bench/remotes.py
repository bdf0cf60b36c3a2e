"""planebridge with Plane and a calendar that answer at once."""
import json

from .servers import BUILD, Planebridge, Server, clean_environment, free_port


class NullRemote(Server):
    name = "null remote"

    def __init__(self, scratch, name="null_remote", work_ms=0):
        self.port, self.arrivals = free_port(), scratch.file(f"{name}.arrivals")
        super().__init__([BUILD / "benchmarks/bench_null_remote", str(self.port), self.arrivals, str(work_ms)], clean_environment(),
                         scratch.file(f"{name}.log"))

    def first_bytes(self):
        """{work item: nanoseconds of its first PUT's first byte}; after stop()."""
        found = {}
        for line in self.arrivals.read_text().splitlines():
            item, at = line.split()
            found.setdefault(item, int(at))
        return found

    def figures(self):
        return json.loads(self.log.read_text().splitlines()[-1])


def settings(remote, window_ms=100):
    """Quiet watchers: no poll, scan or full sync falls into the measurement."""
    return dict(
        PLANE_BASE_URL=f"http://127.0.0.1:{remote.port}", PLANE_API_KEY="plane_api_bench", PLANE_WORKSPACE_SLUG="demo",
        CALDAV_URL=f"http://127.0.0.1:{remote.port}/dav/", CALDAV_USERNAME="bot", CALDAV_PASSWORD="secret",
        PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE=3000, PLANEBRIDGE_PLANE_POLL_INTERVAL_S=3600,
        PLANEBRIDGE_PLANE_SCAN_INTERVAL_S=86400, PLANEBRIDGE_CALENDAR_FULL_SYNC_INTERVAL_S=0,
        PLANEBRIDGE_CALENDAR_WINDOW_MS=window_ms)


class Bridge(Planebridge):
    """Handled means here: its effects are done, too."""

    def effects_waiting(self):
        return int(self.query("SELECT count(*) FROM effects WHERE status = 0"))

    def effects_done(self):
        return sum(v for k, v in self.metrics().items()
                   if k.startswith("planebridge_effects_finished_total") and 'outcome="done"' in k)


def quantile(before, after, family, q):
    """Of a histogram between two scrapes, in seconds; within a bucket by interpolation."""
    counts = []
    for name, value in after.items():
        if name.startswith(family + "_bucket"):
            edge = name.split('le="')[1].split('"')[0]
            counts.append((float("inf") if edge == "+Inf" else float(edge), value - before.get(name, 0)))
    counts.sort()
    wanted, below, low = counts[-1][1] * q, 0, 0.0
    for edge, upto in counts:
        if upto >= wanted and upto > below:
            return low if edge == float("inf") else low + (edge - low) * (wanted - below) / (upto - below)
        below, low = upto, edge
    return 0.0
