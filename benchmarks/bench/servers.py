"""The processes under measurement: PostgreSQL, planebridge and its peers. All on 127.0.0.1."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from . import machine

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
BINARY = Path(os.environ.get("BENCH_BINARY", BUILD / "planebridge"))  # another build of it, to try
SECRET = "plane_wh_bench_0123456789abcdef"
LARK_KEY = "lark_encrypt_key_bench"

# As in a server that has run for a while, and so that no peer alone meets a vacuum or a checkpoint.
POSTGRES_SETTINGS = """shared_buffers = 256MB
max_wal_size = 4GB
min_wal_size = 2GB
checkpoint_timeout = 15min
autovacuum = off"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def clean_environment(**more):
    """Nothing of the caller's configuration."""
    kept = {k: os.environ[k] for k in ("PATH", "HOME", "TMPDIR", "GOCACHE") if k in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", **{k: str(v) for k, v in more.items()}}


class Scratch:
    """A folder for databases and logs; what is in it goes with it."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="planebridge-bench."))
        self.path.chmod(0o711)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return self.path / name


def slow_fsync(scratch, ms):
    """What makes a process's fsync slower, where PostgreSQL's own user may read it."""
    if not ms:
        return {}
    library = scratch.file("bench_slow_fsync.so")
    shutil.copy(BUILD / "benchmarks" / "bench_slow_fsync.so", library)
    library.chmod(0o755)
    return {"library": str(library), "BENCH_FSYNC_US": int(ms * 1000)}


class Postgres:
    def __init__(self, scratch, fsync_ms=0, settings=POSTGRES_SETTINGS, warm=True):
        self.dir = scratch.file("postgres")
        slow = slow_fsync(scratch, fsync_ms)
        environment = clean_environment(PG_SETTINGS=settings)
        if slow:
            environment |= {"PG_PRELOAD": slow["library"], "BENCH_FSYNC_US": str(slow["BENCH_FSYNC_US"])}
        self.url = subprocess.check_output(
            [ROOT / "scripts/pg_cluster", "start", self.dir], env=environment, text=True).strip()
        self.pid = int((self.dir / "data/postmaster.pid").read_text().split()[0])
        try:
            if warm:  # the write-ahead log's files are there already
                self.sql("CREATE TABLE warm AS SELECT repeat(md5(i::text), 60) AS t FROM generate_series(1, 500000) i")
                self.sql("DROP TABLE warm")
                self.sql("CHECKPOINT")
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([ROOT / "scripts/pg_cluster", "stop", self.dir], check=False)

    def database(self, name):
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url.rsplit("/", 1)[0] + "/" + name

    def sql(self, text, url=None):
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url or self.url, "-c", text],
                              check=True, capture_output=True, text=True, env=clean_environment()).stdout.strip()

    def cpu_seconds(self):
        return machine.cpu_seconds(self.pid)


class Server:
    """A process that takes webhooks on self.port."""
    name = "?"

    def __init__(self, command, environment, log):
        self.log = Path(log)
        self.began = time.monotonic()
        with open(log, "ab") as out:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            cwd=self.log.parent)
        self.pid = self.process.pid
        try:
            while not self.ready():
                if self.process.poll() is not None or time.monotonic() - self.began > 120:
                    raise RuntimeError(f"{self.name} did not start: {self.log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.005)
        except BaseException:
            self.stop()
            raise
        self.ready_after_s = time.monotonic() - self.began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def drain(self):
        """Returns when everything accepted is handled; seconds that took."""
        return 0.0

    def cpu_seconds(self):
        return machine.cpu_seconds(self.pid)


class GoEcho(Server):
    name = "go-echo"

    def __init__(self, scratch, postgres, database="go_echo"):
        self.port = free_port()
        self.postgres, self.url = postgres, postgres.database(database)
        postgres.sql((ROOT / "benchmarks/go_echo/journal.sql").read_text(), self.url)
        program = BUILD / "benchmarks" / "go_echo"
        source = ROOT / "benchmarks/go_echo/main.go"
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run([ROOT / "benchmarks/go_echo/build", program], check=True)
        super().__init__([program], clean_environment(PORT=self.port, DATABASE_URL=self.url, PLANE_WEBHOOK_SECRET=SECRET),
                         scratch.file("go_echo.log"))

    def rows(self):
        return int(self.postgres.sql("SELECT count(*) FROM event_deliveries", self.url))


class Planebridge(Server):
    """The daemon as it ships: its actor tree runs and plans each event. Without further settings it has
    neither Plane nor a calendar, so that plans have no effects."""
    name = "planebridge"

    def __init__(self, scratch, store, url, binary=None, name="planebridge", **settings):
        self.port, self.store, self.url, self.name = free_port(), store, url, name
        environment = clean_environment(
            PORT=self.port, PLANEBRIDGE_SERVER_ADDRESS="127.0.0.1", PLANEBRIDGE_LOG_LEVEL="warn",
            PLANEBRIDGE_SERVER_ACCESS_LOG="false", PLANEBRIDGE_STORE_DATA_DIR=scratch.file(f"{name}.data"), DATABASE_URL=url, PLANE_WEBHOOK_SECRET=SECRET)
        super().__init__([binary or BINARY, "serve"], environment | {k: str(v) for k, v in settings.items()},
                         scratch.file(f"{name}.log"))

    def ask(self, path, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.read().decode()

    def ready(self):
        try:
            self.ask("/readyz")
            return True
        except OSError:
            return False

    def metrics(self):
        """{'name{labels}': value} of the scrape endpoint."""
        found = {}
        for line in self.ask("/metrics").splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def handled(self):
        """(accepted, handled) deliveries since the start."""
        m = self.metrics()
        total = lambda family: sum(v for k, v in m.items() if k.startswith(family))
        return total("planebridge_deliveries_accepted_total"), total("planebridge_deliveries_finished_total")

    def drain(self, limit_s=300):
        began = time.monotonic()
        while True:
            accepted, finished = self.handled()
            if finished >= accepted and self.effects_waiting() == 0:
                return time.monotonic() - began
            if time.monotonic() - began > limit_s:
                raise RuntimeError(f"{self.name}: {accepted - finished:.0f} deliveries not handled after {limit_s} s")
            time.sleep(0.05)

    def effects_waiting(self):
        """Without a calendar there are none."""
        return 0

    def query(self, text):
        if self.store is not None:
            return self.store.sql(text, self.url)
        return subprocess.run(["sqlite3", "-readonly", self.url.removeprefix("sqlite:"), text], check=True,
                              capture_output=True, text=True).stdout.strip()

    def rows(self):
        return int(self.query("SELECT count(*) FROM deliveries"))


def load(server, connections=64, seconds=1.5, warmup=0.3, rate=0, keep_alive=True, items=1000, limit=0, sent=None, kind="plane"):
    """One run of the load generator → its line of JSON."""
    command = [BUILD / "benchmarks/bench_accepts", "--port", server.port, "--connections", connections, "--seconds", seconds,
               "--warmup", warmup, "--rate", rate, "--items", items, "--limit", limit,
               "--keep-alive", "yes" if keep_alive else "no"]
    if sent:
        command += ["--sent", sent]
    if kind != "plane":
        command += ["--kind", kind]
    done = subprocess.run([str(c) for c in command], env=clean_environment(PLANE_WEBHOOK_SECRET=SECRET, LARK_ENCRYPT_KEY=LARK_KEY), capture_output=True, text=True)
    if not done.stdout:
        raise RuntimeError(f"the load generator failed: {done.stderr}")
    return json.loads(done.stdout)
