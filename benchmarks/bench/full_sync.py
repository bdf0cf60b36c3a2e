"""A full sync when nothing changed, against a real Radicale."""
import concurrent.futures
import json
import subprocess
import sys
import time
import urllib.request

from . import machine
from .figures import keep
from .remotes import Bridge
from .servers import BUILD, ROOT, SECRET, Postgres, Scratch, Server, clean_environment, free_port

API_KEY, ADMIN = "plane_api_0123456789abcdef0123456789abcdef", "bench-admin-token"


def add_arguments(p):
    p.add_argument("--items", type=int, default=10_000)
    p.add_argument("--projects", type=int, default=20)
    p.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE", help="of planebridge's environment")


class Sandbox(Server):
    name = "sandbox"

    def __init__(self, scratch):
        self.port = free_port()
        super().__init__([BUILD / "planebridge", "sandbox", "--port", str(self.port), "--api-key", API_KEY, "--seed", "",
                          "--requests-per-minute", "0"], clean_environment(), scratch.file("sandbox.log"))

    def post(self, path, value):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/workspaces/demo/{path}", json.dumps(value).encode(),
                                         {"X-API-Key": API_KEY, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def fill(self, projects, items):
        ids = [self.post("projects/", {"name": f"Project {n}", "identifier": f"P{n}"})["id"] for n in range(projects)]
        make = lambda n: self.post(f"projects/{ids[n % projects]}/work-items/",
                                   {"name": f"Work item {n}", "target_date": f"2027-{n % 12 + 1:02d}-{n % 28 + 1:02d}"})
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(make, range(items)))


def calls(bridge, operation):
    return sum(v for k, v in bridge.metrics().items()
               if k.startswith("planebridge_remote_calls_total") and f'operation="{operation}' in k)


def sync(bridge):
    """→ (seconds, the daemon's CPU seconds, the report)"""
    ask = lambda method, path, body=None: json.load(urllib.request.urlopen(urllib.request.Request(
        f"http://127.0.0.1:{bridge.port}/api/v1/sync{path}", body, {"Authorization": "Bearer " + ADMIN, "Content-Type": "application/json"},
        method=method), timeout=60))["data"]
    began, cpu = time.monotonic(), bridge.cpu_seconds()
    report = ask("POST", "", b"{}")
    while report.get("state", "running") == "running":
        time.sleep(0.2)
        report = ask("GET", "/" + report["id"]) | {"id": report["id"]}
    return time.monotonic() - began, bridge.cpu_seconds() - cpu, report


def run(a):
    say = lambda text: print(text, file=sys.stderr, flush=True)
    with Scratch() as scratch, Postgres(scratch, warm=False) as postgres:
        shown = subprocess.check_output([ROOT / "tests/servers/radicale", "start", scratch.file("radicale"), str(free_port())],
                                        env=clean_environment(), text=True)
        radicale = dict(line.split("=", 1) for line in shown.split())
        try:
            with Sandbox(scratch) as sandbox:
                began = time.monotonic()
                sandbox.fill(a.projects, a.items)
                say(f"{a.items} work items made in {time.monotonic() - began:.0f} s")
                with Bridge(scratch, postgres, postgres.database("planebridge"),
                            PLANE_BASE_URL=f"http://127.0.0.1:{sandbox.port}", PLANE_API_KEY=API_KEY, PLANE_WORKSPACE_SLUG="demo",
                            CALDAV_URL=radicale["URL"], CALDAV_USERNAME=radicale["USERNAME"], CALDAV_PASSWORD=radicale["PASSWORD"],
                            ADMIN_TOKEN=ADMIN, PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE=100000, PLANEBRIDGE_PLANE_POLL_INTERVAL_S=3600,
                            PLANEBRIDGE_PLANE_SCAN_INTERVAL_S=86400, PLANEBRIDGE_CALENDAR_FULL_SYNC_INTERVAL_S=0,
                            PLANEBRIDGE_PLANE_SCAN_SHARE_PERCENT=100, **dict(s.split("=", 1) for s in a.set)) as bridge:
                    began = time.monotonic()
                    events = lambda: int(bridge.query("SELECT count(*) FROM links WHERE remote_id <> ''"))
                    while events() < a.items or bridge.effects_waiting():
                        if time.monotonic() - began > 1800:
                            raise RuntimeError(f"only {events()} events after 30 minutes")
                        time.sleep(2)
                    say(f"first sync: {a.items} events in {time.monotonic() - began:.0f} s, "
                        f"{machine.resident_mb(bridge.pid):.0f} MB resident")
                    writes = lambda: calls(bridge, "caldav.put") + calls(bridge, "caldav.delete")
                    before = writes()
                    took, cpu, report = sync(bridge)
                    bridge.drain()
                    wrote = writes() - before
                    say(json.dumps({k: report.get(k) for k in ("state", "items_seen", "events_seen", "right", "changes_total", "failures")}))
                    reads = calls(bridge, "caldav."), calls(bridge, "plane.")
        finally:
            subprocess.run([ROOT / "tests/servers/radicale", "stop", scratch.file("radicale")], check=False)
    say(f"calls since the start: {reads[0]:.0f} to the calendar, {reads[1]:.0f} to Plane")
    keep("sync-writes", wrote, f"{wrote:.0f} writes, {report.get('right')} of {report.get('events_seen')} already right")
    keep("sync-cpu", 100 * cpu / took, f"{100 * cpu / took:.0f} %: {cpu:.2f} s of {took:.1f} s")
