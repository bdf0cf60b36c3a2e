"""The figures, their goals and musts; what was measured is kept beside the build and shown as the table
of docs/performance.md."""
import json
import time
from dataclasses import dataclass

from . import machine
from .servers import BUILD, ROOT

KEPT = BUILD / "benchmarks" / "figures.json"
DOCUMENT = ROOT / "docs" / "performance.md"
CURVES, TUNING = BUILD / "benchmarks" / "curves", ROOT / "docs" / "tuning.md"
BEGIN, END = "<!-- figures: written by scripts/bench table -->", "<!-- end of figures -->"


@dataclass
class Figure:
    key: str
    text: str
    goal: float
    must: float
    unit: str  # "×": of Go Echo in the same run
    more_is_better: bool = False

    def verdict(self, value):
        reaches = (lambda bound: value >= bound) if self.more_is_better else (lambda bound: value <= bound)
        return "goal" if reaches(self.goal) else "must" if reaches(self.must) else "**missed**"

    def bounds(self):
        sign = "≥" if self.more_is_better else "≤"
        return f"{sign} {self.goal:g} / {self.must:g} {self.unit}" if self.goal != self.must else f"{sign} {self.goal:g} {self.unit}"


def _more(key, text, goal, must):
    return Figure(key, text, goal, must, "×", True)


ALL = {f.key: f for f in [
    _more("accepts-64", "durable accepts, PostgreSQL, 64 connections", 4, 2.5),
    _more("accepts-8", "the same, 8 connections", 1.5, 1.1),
    _more("accepts-256", "the same, 256 connections", 4.5, 2.4),
    _more("accepts-new", "the same, one connection per delivery", 3.5, 2),
    _more("slow-64", "the same, fsync 5 ms slower, 64 connections", 6, 4),
    _more("slow-256", "the same, fsync 5 ms slower, 256 connections", 12, 8),
    _more("sqlite-64", "durable accepts, SQLite, 64 connections", 5, 3),
    Figure("cpu", "server + database CPU per accept, 64 connections", 0.33, 0.45, "×"),
    Figure("p99-64", "p99, closed loop, 64 connections", 0.2, 0.33, "×"),
    Figure("p99-2500", "p99 at 2500/s, open loop", 0.5, 0.8, "×"),
    Figure("p50-lone", "p50 of a lone delivery", 1.0, 1.1, "×"),
    Figure("plan-unloaded", "commit → planning starts, p99, unloaded", 0.3, 0.3, "ms"),
    Figure("plan-half", "commit → planning starts, p99, at half load", 5, 5, "ms"),
    Figure("first-byte-p50", "delivery received → first byte of the outbound call, p50, unloaded", 2, 2, "ms"),
    Figure("first-byte-p99", "delivery received → first byte of the outbound call, p99, unloaded", 10, 10, "ms"),
    Figure("path", "whole path to a null remote, PostgreSQL, sustained", 5000, 5000, "events/s", True),
    Figure("memory-idle", "resident memory, idle", 20, 20, "MB"),
    Figure("memory-busy", "resident memory, 256 busy connections", 40, 40, "MB"),
    Figure("memory-connection", "memory per idle connection", 4, 4, "kB"),
    Figure("memory-passive", "1,000,000 known, passive entities", 2, 2, "MB more"),
    Figure("memory-live", "memory per live entity, its data apart", 4, 4, "kB"),
    Figure("start-empty", "start to first accept, empty migrated database", 0.1, 0.1, "s"),
    Figure("start-full", "start to first accept, 1,000,000 finished and 100,000 pending", 0.5, 0.5, "s"),
    Figure("start-first", "the same: first pending delivery handled", 2, 2, "s"),
    Figure("sync-writes", "full sync of 10,000 items, nothing changed: writes", 0, 0, "writes"),
    Figure("sync-cpu", "full sync of 10,000 items, nothing changed: own CPU of wall time", 10, 10, "%"),
    Figure("lark-accepts", "Feishu's events accepted (encrypted, signed, journaled), PostgreSQL, 64 connections", 1000, 500,
           "events/s", True),
    Figure("lark-p99-half", "the same, p99 at half of that", 100, 3000, "ms"),
    Figure("lark-click-p99", "card callback answered under 200 events/s, p99", 50, 3000, "ms"),
    Figure("lark-bound-memory", "10,000 bound conversations, passive", 2, 2, "MB more"),
    Figure("lark-bound-live", "memory per live conversation, its data apart", 8, 8, "kB"),
    Figure("lark-bound-start", "start to ready with 10,000 bound conversations", 0.5, 0.5, "s"),
    Figure("full-accept", "10,000,000 finished deliveries: cost of an accept", 1.1, 1.1, "× of an empty database"),
    Figure("full-claim", "10,000,000 finished deliveries: cost of a claim", 1.1, 1.1, "× of an empty database"),
]}


def kept():
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def keep(key, value, shown):
    """`value` is compared with the bounds, `shown` is what a person reads (with its spread)."""
    everything = kept()
    everything[key] = {"value": value, "shown": shown, "load": machine.load_average(),
                       "at": time.strftime("%Y-%m-%d", time.gmtime())}
    KEPT.write_text(json.dumps(everything, indent=1, ensure_ascii=False))
    print(row(ALL[key], everything[key]), flush=True)


def row(figure, measured):
    if measured is None:
        return f"| {figure.text} | {figure.bounds()} | not measured | |"
    return f"| {figure.text} | {figure.bounds()} | {measured['shown']} | {figure.verdict(measured['value'])} |"


def table():
    measured = kept()
    return "\n".join(["| figure | goal / must | measured | verdict |", "| --- | --- | --- | --- |"] +
                     [row(f, measured.get(f.key)) for f in ALL.values()])


def keep_curve(entry, table):
    CURVES.mkdir(exist_ok=True)
    (CURVES / entry).write_text(table + "\n")
    print(table, flush=True)


def write_curves():
    """Into docs/tuning.md, each in its place."""
    text = TUNING.read_text()
    for curve in CURVES.glob("*"):
        begin, end = f"<!-- curve {curve.name} -->\n", "<!-- end of curve -->"
        before, there, rest = text.partition(begin)
        if there:
            text = before + begin + "\n" + curve.read_text() + "\n" + rest[rest.index(end):]
    TUNING.write_text(text)


def write_document():
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    days = sorted({m["at"] for m in kept().values()})
    loads = [m["load"] for m in kept().values()]
    taken = (f"Taken on {' and '.join(days)}: {machine.description()}. "
             f"Load average of the machine at the end of a row's run: {min(loads):.1f} to {max(loads):.1f}.") if days else ""
    DOCUMENT.write_text(f"{before}{BEGIN}\n{taken}\n\n{table()}\n{END}{after}")
