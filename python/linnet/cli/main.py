"""`linnet COMMAND ...`: the parser, and the one place where errors become exit codes.

A command is a module with `add(commands)`, which adds its sub-parser and sets `run`, a function of the parsed options
that may return an exit code.
Commands import what they need inside `run`, so that `linnet --help` stays quick.
"""

import os
import sys
from collections.abc import Sequence

from linnet.cli import bench, evaluate, info, predict, train
from linnet.cli.errors import CommandError, UsageError
from linnet.cli.parser import Parser

DESCRIPTION = "Trains and runs neural networks on CPUs."
EPILOG = """\
examples:
  linnet train lenet5                      LeNet-5 on the digits that come with linnet, in seconds
  linnet train lenet5 --data mnist         on MNIST (downloaded once, 12 MB)
  linnet evaluate runs/lenet5-digits       test accuracy of a trained model
  linnet predict runs/lenet5-digits me.png what digit is this?
  linnet info                              the machine as linnet sees it
  linnet bench                             how close the kernels come to what it can do
"""
# What a command may raise without being a bug of linnet: shown without a traceback.
EXPECTED = (CommandError, OSError, ValueError, ArithmeticError, NotImplementedError, ModuleNotFoundError, MemoryError)


def parser() -> Parser:
    top = Parser(prog="linnet", description=DESCRIPTION, epilog=EPILOG)
    top.add_argument("--version", action="store_true", help="print the version and end")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in (train, evaluate, predict, info, bench):
        command.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code. `arguments`: without the program's name; sys.argv when left out."""
    top = parser()
    code = 0
    try:
        options = top.parse(arguments)
        if options.version:
            import linnet

            print(f"linnet {linnet.__version__}")
        elif not hasattr(options, "run"):
            top.print_help()
        else:
            code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except SystemExit as end:  # argparse: --help, or an error that it has printed
        return end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        print("\nlinnet: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`linnet ... | head`) has enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UsageError as error:
        print(f"linnet: {error}", file=sys.stderr)
        return 2
    except EXPECTED as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "linnet").startswith("linnet"):
            raise  # not an extra that is missing, but a bug
        print(f"linnet: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
