"""scripts/bench: measures planebridge, beside Go Echo where a figure is a ratio."""
import argparse

from . import accepts, figures, machine


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = lambda name, text, module: (lambda p: (module.add_arguments(p), p.set_defaults(run=module.run)))(
        commands.add_parser(name, help=text, description=text))
    one("accepts", "durable accepts per second, latency and CPU, beside Go Echo", accepts)
    commands.add_parser("table", help="writes the table of docs/performance.md from what was measured").set_defaults(
        run=lambda a: (figures.write_document(), print(figures.table())))
    a = parser.parse_args()
    with machine.one_group():
        a.run(a)


main()
