"""`linnet bench`: how fast the kernels are on this machine, as a share of what this machine can do.

First the limits are measured: floating-point operations a second in registers, for each instruction set, and bytes a
second through memory. Then each kernel runs for a moment (kernel_rows.py), with one thread and with all of them. The
limits are measured again beside every row, because a processor's clock, and what else runs, changes all the time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from linnet.cli.parser import positive_float, positive_int

DESCRIPTION = """\
Measures what this machine can do at most, and how close linnet's kernels come to it."""
EPILOG = """\
Shares of convolutions count the operations of the sum as it is written, so that Winograd's algorithm (3x3, 5x5 windows)
can pass 100 %; so can what stays in a cache while its share is that of the memory's bandwidth. LINNET_ISA chooses
another instruction set. Close other programs first: a busy core takes its part of every figure."""


def add(commands: Any) -> None:
    parser = commands.add_parser("bench", help="speed of the kernels here", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--threads", type=positive_int, metavar="N", help="only with N threads (default: 1, and all)")
    parser.add_argument(
        "--seconds", type=positive_float, default=15.0, metavar="S", help="about how long it may take (default 15)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(parser=parser, run=run)


def run(options: argparse.Namespace) -> None:
    from linnet import _engine

    default, _ = _engine.default_num_threads()
    counts = [options.threads] if options.threads else sorted({1, default})
    cpu = _engine.cpu_info()
    result: dict[str, Any] = {"processor": cpu["model"], "isa": _engine.isa(), "limits": [], "kernels": []}
    if not options.json:
        print(f"{cpu['model']}, {_engine.isa()}")
    with _restored():
        # A tenth of the time for the limits; building the rows takes some, too.
        for limit in _limits(counts, options.seconds / 10):
            result["limits"].append(limit)
        if not options.json:
            _print_limits(result["limits"], counts)
        for row in _kernels(counts, options.seconds * 0.7):
            result["kernels"].append(row)
            if not options.json:
                _print_kernel(row, result["kernels"][:-1], counts)
    if options.json:
        print(json.dumps(result, indent=1))


@contextmanager
def _restored() -> Iterator[None]:
    """Puts the number of threads and the instruction set back."""
    from linnet import _engine

    threads, isa = _engine.num_threads(), _engine.isa()
    try:
        yield
    finally:
        _engine.set_num_threads(threads)
        _engine.set_isa(isa)


# ---- measuring ------------------------------------------------------------------------------------------------------


def _limits(counts: list[int], seconds: float) -> Iterator[dict[str, Any]]:
    """{"limit": name, "unit": ..., "threads": {count: value}} of each instruction set and kind of memory traffic."""
    from linnet import _engine

    chosen = _engine.isa()
    isas = [name for name in _engine.available_isas() if name != "reference"]
    each = seconds / ((len(isas) + 1) * len(counts))
    for isa in isas:
        _engine.set_isa(isa)
        rates = {n: _with_threads(n, _engine.measure_fma_peak, each) / 1e9 for n in counts}
        yield {"limit": isa, "unit": "GFLOP/s", "threads": rates}
    _engine.set_isa(chosen)
    bandwidths = {n: _with_threads(n, _engine.measure_bandwidth, each) for n in counts}
    for kind in bandwidths[counts[0]]:
        rates = {n: bandwidths[n][kind] / 1e9 for n in counts}
        yield {"limit": f"memory, {kind}", "unit": "GB/s", "threads": rates}


def _with_threads(count: int, measure: Any, *arguments: Any) -> Any:
    from linnet import _engine

    _engine.set_num_threads(count)
    return measure(*arguments)


def _kernels(counts: list[int], seconds: float) -> Iterator[dict[str, Any]]:
    """{"group", "kernel", "unit", "threads": {count: {"seconds", "rate", "share"}}} of each row."""
    from linnet.cli.kernel_rows import median_seconds, rows

    table = rows()
    each = seconds / (len(table) * len(counts))
    for row in table:
        step = row.build()
        figures = {}
        for n in counts:
            limit = _with_threads(n, _limit, bool(row.flops), each / 5)
            taken = _with_threads(n, median_seconds, step, each * 4 / 5)
            rate = (row.flops or row.bytes) / taken
            figures[n] = {"seconds": taken, "rate": rate / 1e9, "share": rate / limit}
        unit = "GFLOP/s" if row.flops else "GB/s"
        yield {"group": row.group, "kernel": row.name, "unit": unit, "threads": figures}


def _limit(flops: bool, seconds: float) -> float:
    """The present limit of operations, or of memory traffic of the best kind."""
    from linnet import _engine

    return _engine.measure_fma_peak(seconds) if flops else max(_engine.measure_bandwidth(seconds).values())


# ---- printing -------------------------------------------------------------------------------------------------------


def _heading(text: str, counts: list[int], width: int) -> str:
    return f"\n{text:<56}" + "".join(f"{f'{n} thread' + ('s' if n > 1 else ''):>{width}}" for n in counts)


def _print_limits(limits: list[dict[str, Any]], counts: list[int]) -> None:
    print(_heading("limits", counts, 16))
    for limit in limits:
        name = limit["limit"] if limit["unit"] == "GB/s" else f"{limit['limit']}, in registers"
        print(f"  {name:<54}" + "".join(f"{limit['threads'][n]:>8.1f} {limit['unit']:<7}" for n in counts))


def _print_kernel(row: dict[str, Any], before: list[dict[str, Any]], counts: list[int]) -> None:
    if not before or before[-1]["group"] != row["group"]:
        print(_heading(row["group"], counts, 24))
    cells = (row["threads"][n] for n in counts)
    text = "".join(f"{cell['rate']:>10.1f} {row['unit']:<7} {cell['share']:>4.0%} " for cell in cells)
    print(f"  {row['kernel']:<54}{text.rstrip()}", flush=True)
