"""What fit, evaluate and predict show: a live bar that becomes a line at the end of the epoch (verbose=1, by tqdm), or
only the line (2). The line is whole on a narrow terminal, too, where the bar is cut.

"auto" is a bar on a terminal or in a notebook, and lines elsewhere: a bar in a file is a mess. The bar is drawn ten
times a second at most, so the metrics are read that often and not after every step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

_INTERVAL = 0.1  # seconds between drawings
_BAR = "/{total_fmt} |{bar:20}| {elapsed}<{remaining}{postfix}"


def level(verbose: Any) -> int:
    """0 (silent), 1 (bars) or 2 (lines) for a `verbose` argument."""
    if verbose == "auto":
        return 1 if sys.stdout.isatty() or "ipykernel" in sys.modules else 2
    if verbose not in (0, 1, 2, False, True):
        raise ValueError(f'verbose must be "auto", 0, 1 or 2, got {verbose!r}')
    return int(verbose)


def logs_text(logs: Mapping[str, Any]) -> str:
    """loss: 0.1234 - accuracy: 0.9876"""
    return " - ".join(f"{name}: {_number(value)}" for name, value in logs.items())


def _number(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if abs(number) >= 1e-3 or number == 0 else f"{number:.4e}"


class Progress:
    """The display of one epoch (or one evaluation). steps: None if unknown. logs: called for the numbers to draw."""

    def __init__(self, verbose: int, title: str, steps: int | None, logs: Callable[[], Mapping[str, Any]]) -> None:
        self._verbose = verbose
        self._title = title
        self.logs = logs
        self._steps = steps
        self._start = time.perf_counter()
        self.next_draw = float("inf")
        self._bar: Any = None
        if verbose == 1:
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=steps,
                desc=title,
                file=sys.stdout,
                leave=False,
                dynamic_ncols=True,
                bar_format=f"{{desc}} {{n_fmt}}{_BAR if steps else ' {elapsed}{postfix}'}",
            )
            self.next_draw = self._start + _INTERVAL

    def draw(self, done: int) -> None:
        """Shows `done` steps and the numbers so far. Call it when the clock is past next_draw."""
        self._bar.set_postfix_str(logs_text(self.logs()), refresh=False)
        self._bar.n = done
        self._bar.refresh()
        self.next_draw = time.perf_counter() + _INTERVAL

    def close(self, done: int, logs: Mapping[str, Any] | None) -> None:
        """Shows the end, with the final numbers; with logs None the work was interrupted."""
        if self._bar is not None:
            self._bar.close()
        if self._verbose and logs is not None:
            seconds = time.perf_counter() - self._start
            numbers = f" - {logs_text(logs)}" if logs else ""
            print(f"{self._title} {done}/{self._steps or done} - {seconds:.1f}s{numbers}", flush=True)
