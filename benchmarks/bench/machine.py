"""What the machine is and what its processes use, from /proc."""
import contextlib
import os
import platform
import subprocess
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
GROUPS = Path("/sys/fs/cgroup/cpu")  # version 1


@contextlib.contextmanager
def one_group():
    """All processes of a run share the processors as one group. In the root group Linux may give each
    session the same share, and each PostgreSQL backend is a session: the server with more of them would
    get more of the machine. Shares (BENCH_CPU_SHARES, 0: no group) against the 1024 of other work keep that out.
    Where this may not be done, or a group is there already (systemd), nothing happens."""
    with open("/proc/self/cgroup") as f:
        in_root = any(line.strip().split(":", 2)[1:] == ["cpu", "/"] for line in f)
    group = GROUPS / f"planebridge-bench.{os.getpid()}"
    shares = os.environ.get("BENCH_CPU_SHARES", "16384")
    if not in_root or shares == "0" or not os.access(GROUPS, os.W_OK):
        yield
        return
    group.mkdir()
    (group / "cpu.shares").write_text(shares)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (GROUPS / "cgroup.procs").write_text(pid)
        with contextlib.suppress(OSError):
            group.rmdir()


def _stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()


def tree(pid):
    """The process and all that descend from it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(entry)[1]), []).append(int(entry))
            except OSError:
                pass  # ended meanwhile
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """Of the tree, with those of its children that have ended."""
    ticks = 0
    for p in tree(pid):
        try:
            ticks += sum(int(t) for t in _stat(p)[11:15])
        except OSError:
            pass
    return ticks / TICKS


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def busy_seconds():
    """CPU time of the whole machine, stolen time included."""
    with open("/proc/stat") as f:
        times = [int(t) for t in f.readline().split()[1:9]]
    return (sum(times) - times[3] - times[4]) / TICKS


def load_average():
    return os.getloadavg()[0]


def description():
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as f:
        gib = int(f.readline().split()[1]) / 1024 / 1024
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    disk = subprocess.run(["findmnt", "-no", "FSTYPE", "-T", "/tmp"], capture_output=True, text=True).stdout.strip()
    return f"{os.cpu_count()} × {model}, {gib:.0f} GiB, {system}, Linux {platform.release()}, {disk}"
