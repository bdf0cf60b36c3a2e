"""From the start of the process to the first accepted delivery."""
import hashlib
import hmac
import http.client
import statistics
import time
import uuid

from . import seed
from .figures import keep
from .servers import ROOT, SECRET, Planebridge, Postgres, Scratch

RECORDED = "tests/fixtures/plane/webhook_v1_issue_updated_target_date.json"


def add_arguments(p):
    p.add_argument("--starts", type=int, default=7)
    p.add_argument("--finished", type=int, default=1_000_000)
    p.add_argument("--pending", type=int, default=100_000)


class Started(Planebridge):
    """Ready is: a delivery was accepted."""

    def ready(self):
        body = (ROOT / RECORDED).read_bytes().replace(b"f3a9d7c5-2e60-4b18-94cf-7b5e0d8a1c36", str(uuid.uuid4()).encode())
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            c.request("POST", "/webhooks/plane", body, {
                "Content-Type": "application/json", "X-Plane-Event": "issue", "X-Plane-Delivery": str(uuid.uuid4()),
                "X-Plane-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})
            return c.getresponse().status == 200
        except OSError:
            return False
        finally:
            c.close()


def run(a):
    show = lambda v: f"{statistics.median(v):.3f} s ({min(v):.3f} to {max(v):.3f}, {len(v)} starts)"
    with Scratch() as scratch, Postgres(scratch) as postgres:
        url = postgres.database("empty")
        took = []
        for _ in range(a.starts + 1):
            with Started(scratch, postgres, url, name="empty") as bridge:
                took.append(bridge.ready_after_s)
                bridge.drain()
        took = took[1:]  # the first one migrates
        keep("start-empty", statistics.median(took), show(took))

        url = postgres.database("full")
        Planebridge(scratch, postgres, url, name="full").stop()
        seed.deliveries(postgres, url, 1, a.finished)
        first = a.finished
        took, handled, drained = [], [], []
        for _ in range(3):
            seed.deliveries(postgres, url, first + 1, first + a.pending, pending=True)
            with Started(scratch, postgres, url, name="full") as bridge:
                took.append(bridge.ready_after_s)
                while bridge.handled()[1] == 0:
                    time.sleep(0.01)
                handled.append(time.monotonic() - bridge.began)
                while int(bridge.query("SELECT count(*) FROM open_deliveries WHERE status = 0")) > 0:
                    time.sleep(0.1)
                drained.append(time.monotonic() - bridge.began)
                first = int(bridge.query("SELECT max(seq) FROM deliveries"))
                dead = int(bridge.query("SELECT count(*) FROM open_deliveries WHERE status = 3"))
                if dead:
                    raise RuntimeError(f"{dead} seeded deliveries became dead letters")
        keep("start-full", statistics.median(took), show(took))
        keep("start-first", statistics.median(handled), f"{show(handled)}; all {a.pending} after {statistics.median(drained):.1f} s")
