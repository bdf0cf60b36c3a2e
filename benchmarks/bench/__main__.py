"""scripts/bench: measures planebridge, beside Go Echo where a figure is a ratio."""
import argparse
import signal
import sys

from . import accepts, curve, figures, full_sync, lark, latency, machine, many, memory, path, start, where

COMMANDS = {
    "accepts": ("durable accepts per second, latency and CPU, beside Go Echo", accepts),
    "latency": ("from the commit to planning, and from a delivery to the outbound call", latency),
    "path": ("events per second over the whole path, to a remote that answers at once", path),
    "memory": ("resident memory: idle, busy, per connection, per entity", memory),
    "start": ("from the start to the first accepted delivery, on an empty and on a full journal", start),
    "sync": ("a full sync of 10,000 work items when nothing changed, against Radicale", full_sync),
    "lark": ("Feishu's events and clicks, and 10,000 bound conversations", lark),
    "many": ("accepts and claims with 10,000,000 finished deliveries (5 GB of disk, minutes)", many),
    "where": ("where the time of an accepted delivery goes: threads, sessions, transactions", where),
    "curve": ("one entry of [concurrency] over several values", curve),
}

# Every row of the table.
ALL = [
    "accepts --connections 64", "accepts --connections 8", "accepts --connections 256", "accepts --new-connections",
    "accepts --fsync-ms 5 --connections 64", "accepts --fsync-ms 5 --connections 256", "accepts --store sqlite",
    "accepts --rate 2500 --connections 128", "accepts --rate 50 --connections 4 --seconds 3",
    "latency", "path", "memory", "start", "sync", "lark", "many",
]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (text, module) in COMMANDS.items():
        p = commands.add_parser(name, help=text, description=text)
        module.add_arguments(p)
        p.set_defaults(run=module.run)
    commands.add_parser("all", help="every row of the table, one after the other: an hour").set_defaults(
        run=lambda a: [run(parser.parse_args(line.split())) for line in ALL])
    commands.add_parser("table", help="writes what was measured into docs/performance.md and docs/tuning.md").set_defaults(
        run=lambda a: (figures.write_document(), figures.write_curves(), print(figures.table())))
    run = lambda a: a.run(a)
    for ending in (signal.SIGINT, signal.SIGTERM):  # what runs is stopped, its folders removed
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    with machine.one_group():
        run(parser.parse_args())


main()
