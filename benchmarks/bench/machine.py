"""What the machine is and what its processes use, from /proc."""
import os
import platform
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


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
