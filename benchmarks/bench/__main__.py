"""scripts/bench: measures planebridge, beside Go Echo where a figure is a ratio."""
import argparse

from . import accepts, curve, figures, full_sync, latency, machine, many, memory, path, start


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = lambda name, text, module: (lambda p: (module.add_arguments(p), p.set_defaults(run=module.run)))(
        commands.add_parser(name, help=text, description=text))
    one("accepts", "durable accepts per second, latency and CPU, beside Go Echo", accepts)
    one("latency", "from the commit to planning, and from a delivery to the outbound call", latency)
    one("path", "events per second over the whole path, to a remote that answers at once", path)
    one("memory", "resident memory: idle, busy, per connection, per entity", memory)
    one("start", "from the start to the first accepted delivery, on an empty and on a full journal", start)
    one("sync", "a full sync of 10,000 work items when nothing changed, against Radicale", full_sync)
    one("many", "accepts and claims with 10,000,000 finished deliveries (5 GB of disk, minutes)", many)
    one("curve", "one entry of [concurrency] over several values", curve)
    commands.add_parser("table", help="writes the table of docs/performance.md from what was measured").set_defaults(
        run=lambda a: (figures.write_document(), print(figures.table())))
    a = parser.parse_args()
    with machine.one_group():
        a.run(a)


main()
