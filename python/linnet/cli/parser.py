"""argparse, with errors of one line, near matches for unknown names, and types that say what they expect."""

import argparse
import difflib
import math
from collections.abc import Sequence
from typing import Any, NoReturn

from linnet.backend.lookup import unknown_name

# What a choice is called in an error, by its metavar.
KINDS = {"COMMAND": "command", "RECIPE": "recipe", "DATA": "data set", "SCHEDULE": "schedule"}


class Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            kind = KINDS.get(str(action.metavar), "value")
            raise argparse.ArgumentError(None, str(unknown_name(kind, value, action.choices)))

    def parse(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """parse_args, with a better word about an unknown option."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            # Commands put their own parser into `parser`, so that the matches are among its options.
            parser = getattr(options, "parser", self)
            name = unknown[0].partition("=")[0]
            near = difflib.get_close_matches(name, parser._option_string_actions, n=1)
            what = "option" if name.startswith("-") else "argument"
            parser.error(f"unknown {what} {name}" + (f"; did you mean {near[0]}?" if near else ""))
        return options


def positive_int(text: str) -> int:
    return _number(text, int, lambda value: value >= 1, "a positive whole number")


def seed_int(text: str) -> int:
    return _number(text, int, lambda value: 0 <= value < 2**32, f"a whole number from 0 to {2**32 - 1}")


def positive_float(text: str) -> float:
    return _number(text, float, lambda value: value > 0 and math.isfinite(value), "a positive number")


def fraction(text: str) -> float:
    return _number(text, float, lambda value: 0 <= value < 1, "a fraction from 0 to below 1")


def _number(text: str, kind: Any, good: Any, expected: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not good(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got '{text}'")
    return value
