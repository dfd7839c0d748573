"""Times contenders in turns, so that a ratio means something on a machine that others use, too.

Every contender runs in a process of its own (an OpenMP library keeps its threads spinning after a call and would steal
the core from whoever is measured next). The parent gives each the word in turn: it runs its step for a fraction of a
second and answers with the median time of a step. A ratio is taken within a round; reported is the median over the
rounds, with the range. In every round linnet's process also measures what the machine can do at that moment:
floating-point operations a second in registers, and bytes a second through memory, on as many threads. A row that knows
its operations or its bytes is printed with the share of that peak (the median over the rounds, too). Memory has three
limits: bytes read a second, bytes written, and both together, which travel side by side; a row that knows its passes
over memory is held against the time in which those bytes can move.

A benchmark script defines contenders as functions that return the step to time, and ends with

    if __name__ == "__main__":
        main(__doc__, cases)

where `cases` maps the name of a row to a Row, or only to {contender name: function} (whole networks, which get
processes of their own for each row). The first contender is linnet, the others peers; the best peer of the run decides.
A function may return a Timed instead of a step when the error of what the step computes is to be shown as well. A step
shorter than 200 us is timed many at a time. A turn during which other programs computed is repeated.

    python bench/gemm.py --threads 1 --only '512*' --markdown --json gemm.json

Options are the same for every script: `--threads`, `--rounds`, `--seconds`, `--only` (shell patterns), `--contenders`,
`--python` (for a contender in another environment), `--markdown` (rows of a table), `--json FILE` (everything that was
measured; bench/tables.py and bench/roofline.py read it). LINNET_ISA chooses linnet's instruction set, and with it the
peak.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linnet.cli.kernel_rows import median_seconds

Step = Callable[[], object]

# Length of a measurement of the machine's own limits in a round.
PEAK_SECONDS = 0.02
# A turn during which other processes took more than this share of one processor is repeated, so many times at most.
DISTURBED, ATTEMPTS = 0.05, 5


@dataclass
class Timed:
    """A step and how far its result is from float64: ||result - exact|| / ||exact||, called once after warming up."""

    step: Step
    error: Callable[[], float] | None = None


@dataclass
class Row:
    """One line of a table. `flops` and `bytes` are those that one step must do or move; 0 means unknown. The share of
    the peak is that of the operations where they are known, unless the row is `bound_by_memory`. `passes` are the bytes
    read and written by each pass over memory, one after the other; `bytes` is then their sum."""

    contenders: Mapping[str, Callable[[], Step | Timed]]
    flops: float = 0
    bytes: float = 0
    bound_by_memory: bool = False
    group: str = ""  # the geometric mean of the ratios is printed for each
    cached: bool = False  # the limit of `bytes` is reading them from the caches, again and again
    own_processes: bool = False  # not shared with the rows before and after it: for what fills the memory
    passes: Sequence[tuple[float, float]] = ()

    def __post_init__(self) -> None:
        self.bytes = self.bytes or sum(map(sum, self.passes))

    @property
    def unit(self) -> str:
        """What is counted: "flops" or "bytes"."""
        return "bytes" if self.bound_by_memory or not self.flops else "flops"

    @property
    def work(self) -> float:
        """As many of them."""
        return self.bytes if self.unit == "bytes" else self.flops

    def least_seconds(self, limits: Mapping[str, float]) -> float:
        """The time in which a machine with these limits could do it."""
        if self.unit == "flops":
            return self.flops / limits["flops"]
        if self.cached:
            return self.bytes / limits["cached"]
        return (
            sum(
                max(read / limits["read"], written / limits["write"], (read + written) / limits["bytes"])
                for read, written in self.passes
            )
            or self.bytes / limits["bytes"]
        )


Cases = Mapping[str, Row | Mapping[str, Callable[[], Step | Timed]]]


@dataclass
class Measured:
    """What one row of one run has given. Times in seconds, one for each round."""

    name: str
    row: Row
    times: dict[str, list[float]]
    errors: dict[str, float]
    least: list[float] = field(default_factory=list)  # seconds at the machine's limits, one for each round

    @property
    def names(self) -> list[str]:
        return list(self.times)

    @property
    def best_peer(self) -> str | None:
        return min(self.names[1:], key=lambda name: statistics.median(self.times[name]), default=None)

    @property
    def ratios(self) -> list[float]:
        """How many times faster the first contender is than the best peer, round by round."""
        if self.best_peer is None:
            return []
        return [b / a for a, b in zip(self.times[self.names[0]], self.times[self.best_peer], strict=True)]

    def seconds(self, name: str) -> float:
        return statistics.median(self.times[name])

    def rate(self, name: str) -> float:
        return self.row.work / self.seconds(name)

    def share(self, name: str) -> float:
        """Of the peak of operations where the row knows them, else of the memory's bandwidth."""
        return statistics.median(least / t for t, least in zip(self.times[name], self.least, strict=True))

    def record(self) -> dict[str, Any]:
        """The row as `--json` writes it."""
        entry: dict[str, Any] = {"name": self.name, "group": self.row.group}
        entry |= {"seconds": {name: self.seconds(name) for name in self.names}, "error": self.errors}
        if self.ratios:
            entry["ratio"] = {"peer": self.best_peer, "median": statistics.median(self.ratios)}
            entry["ratio"] |= {"low": min(self.ratios), "high": max(self.ratios)}
        if self.row.work:
            entry |= {"flops": self.row.flops, "bytes": self.row.bytes, "unit": self.row.unit}
            entry["peak"] = self.row.work / statistics.median(self.least)
            entry["share"] = {name: self.share(name) for name in self.names}
        return entry


# ---- the child ------------------------------------------------------------------------------------------------------


def _limits(cached: float) -> dict[str, float]:
    from linnet import _engine

    bandwidth = _engine.measure_bandwidth(4 * PEAK_SECONDS)
    limits = bandwidth | {"flops": _engine.measure_fma_peak(PEAK_SECONDS), "bytes": max(bandwidth.values())}
    return limits | ({"cached": _engine.measure_read(PEAK_SECONDS, int(cached))} if cached else {})


def _about() -> dict[str, Any]:
    from linnet import _engine

    return {"isa": _engine.isa(), "threads": _engine.num_threads(), "processor": _engine.cpu_info()["model"]}


def serve(cases: Cases, name: str) -> None:
    """Child: answers each line of stdin, [command, argument], with a line of JSON."""
    timed = Timed(lambda: None)
    for line in sys.stdin:
        command, argument = json.loads(line)
        answer: object = None
        if command == "row":
            timed = Timed(lambda: None)  # lets go of the row before
            made = _row(cases[argument]).contenders[name]()
            timed = made if isinstance(made, Timed) else Timed(made)
            for _ in range(3):
                timed.step()
            answer = timed.error() if timed.error else None
        elif command == "time":
            answer = median_seconds(timed.step, argument)
        elif command == "limits":
            answer = _limits(argument)
        elif command == "about":
            answer = _about()
        print(json.dumps(["answer", answer]), flush=True)


# ---- the parent -----------------------------------------------------------------------------------------------------


class Contender:
    """A child process that builds and times one contender's steps on demand."""

    def __init__(self, name: str, threads: int, python: str = sys.executable) -> None:
        self.name = name
        environment = dict(os.environ, LINNET_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(
            [python, sys.argv[0], "--serve", name, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, command: str, argument: object = None) -> Any:
        self.send(command, argument)
        return self.answer()

    def ask_quietly(self, command: str, argument: object = None) -> Any:
        """The answer from a turn in which nobody else computed much, or from the least disturbed one."""
        found: list[tuple[float, Any]] = []
        while len(found) < ATTEMPTS and (not found or found[-1][0] > DISTURBED):
            begin, others = time.perf_counter(), self._time_of_others()
            answer = self.ask(command, argument)
            taken = time.perf_counter() - begin
            found.append(((self._time_of_others() - others) / taken, answer))
        return min(found, key=lambda turn: turn[0])[1]

    def _time_of_others(self) -> float:
        """Seconds that all processors together have worked for anybody but this child; 0 where nobody counts."""
        try:
            everybody = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
            own = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        except OSError:
            return 0.0
        idle = int(everybody[3]) + int(everybody[4])
        return (sum(map(int, everybody)) - idle - sum(map(int, own))) / os.sysconf("SC_CLK_TCK")

    def send(self, command: str, argument: object = None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, argument]) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                kind, answer = json.loads(line)
            except ValueError:
                continue  # a library talking to itself
            if kind == "answer":
                return answer
        raise SystemExit(f"{self.name} ended without an answer")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def _row(row: Row | Mapping[str, Callable[[], Step | Timed]]) -> Row:
    return row if isinstance(row, Row) else Row(row, own_processes=True)


def measure(name: str, row: Row, contenders: list[Contender], rounds: int, seconds: float) -> Measured:
    errors = {c.name: error for c in contenders if (error := c.ask("row", name)) is not None}
    found = Measured(name, row, {c.name: [] for c in contenders}, errors)
    for turn in range(rounds):
        if found.row.work:
            limits = contenders[0].ask_quietly("limits", row.bytes if row.cached else 0)
            found.least.append(row.least_seconds(limits))
        for contender in contenders if turn % 2 == 0 else contenders[::-1]:
            found.times[contender.name].append(contender.ask_quietly("time", seconds))
    return found


# ---- printing -------------------------------------------------------------------------------------------------------


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _ratio(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else "-"


def _columns(found: Measured) -> dict[str, str]:
    columns = {"": found.name} | {name: _duration(found.seconds(name)) for name in found.names}
    ours, peer = found.names[0], found.best_peer
    columns["ratio"] = _ratio(found.ratios)
    if len(found.names) > 2:
        columns["best peer"] = peer or "-"
    if found.row.work:
        unit = "GFLOP/s" if found.row.unit == "flops" else "GB/s"
        columns[unit] = f"{found.rate(ours) / 1e9:.1f}" + (f" : {found.rate(peer) / 1e9:.1f}" if peer else "")
        columns["of peak"] = f"{found.share(ours):.0%}" + (f" : {found.share(peer):.0%}" if peer else "")
    if found.errors:
        columns["error"] = " : ".join(f"{found.errors[n]:.1e}" for n in (ours, peer) if n in found.errors)
    return columns


class Printer:
    """Rows as they come: aligned text, or the lines of a Markdown table."""

    def __init__(self, markdown: bool) -> None:
        self.markdown = markdown
        self.heading: list[str] = []

    def row(self, columns: Mapping[str, str]) -> None:
        heading = list(columns)
        if self.markdown:
            if heading != self.heading:
                print("\n| " + " | ".join(heading) + " |\n" + "|---" * len(heading) + "|")
            print("| " + " | ".join(columns.values()) + " |", flush=True)
        else:
            cells = [f"{text:<34}" if not key else f"{key} {text:<12}" for key, text in columns.items()]
            print("  ".join(cells).rstrip(), flush=True)
        self.heading = heading

    def line(self, text: str) -> None:
        print(("\n" + text + "\n") if self.markdown else text, flush=True)
        self.heading = []


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def _print_means(rows: list[Measured], printer: Printer) -> None:
    groups: dict[str, list[float]] = {}
    for found in rows:
        if found.ratios:
            groups.setdefault(found.row.group, []).append(statistics.median(found.ratios))
    for group, ratios in groups.items():
        if len(ratios) > 1:
            name = f"{group}: " if group else ""
            mean, least = geometric_mean(ratios), min(ratios)
            printer.line(f"{name}geometric mean of the ratios {mean:.2f}, least {least:.2f} ({len(ratios)} rows)")


class Crew:
    """The children: one for each contender, started when it is first needed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.members: dict[str, Contender] = {}

    def of(self, row: Row) -> list[Contender]:
        wanted = self.options.contenders
        names = [name for name in row.contenders if not wanted or name in wanted]
        for name in names:
            if name not in self.members:
                pythons = dict(pair.split("=", 1) for pair in self.options.python)
                self.members[name] = Contender(name, self.options.threads, pythons.get(name, sys.executable))
        return [self.members[name] for name in names]

    def close(self) -> None:
        for member in self.members.values():
            member.close()
        self.members.clear()


def run(cases: Mapping[str, Row], options: argparse.Namespace) -> None:
    crew, printer, rows = Crew(options), Printer(options.markdown), []
    result: dict[str, Any] = {"script": Path(sys.argv[0]).stem, "threads": options.threads, "rows": []}
    for name, row in cases.items():
        contenders = crew.of(row)
        if not contenders:
            continue
        if row.work and "isa" not in result:
            about, limits = contenders[0].ask("about"), contenders[0].ask_quietly("limits", 0)
            result |= about | {f"peak_{name}": limits[name] for name in ("flops", "bytes", "read", "write")}
            printer.line(
                f"{about['processor']}, {about['isa']}, threads: {options.threads}; peak {limits['flops'] / 1e9:.1f} "
                f"GFLOP/s, {limits['bytes'] / 1e9:.1f} GB/s ({limits['read'] / 1e9:.1f} read, "
                f"{limits['write'] / 1e9:.1f} written). Pairs are linnet : best peer."
            )
        found = measure(name, row, contenders, options.rounds, options.seconds)
        printer.row(_columns(found))
        rows.append(found)
        result["rows"].append(found.record())
        if options.json:  # after every row, so that a run that is stopped leaves what it has
            Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
        if row.own_processes:
            crew.close()
    crew.close()
    _print_means(rows, printer)


def main(doc: str | None, cases: Cases) -> None:
    """The command line of a benchmark script."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads for every contender (default 2)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of every contender (default 7)")
    parser.add_argument("--seconds", type=float, default=0.15, help="length of one turn (default 0.15)")
    parser.add_argument("--only", nargs="*", help="rows to run, by shell patterns; --list shows them")
    parser.add_argument("--contenders", nargs="*", help="contenders to run (default all)")
    parser.add_argument(
        "--python", nargs="*", default=[], metavar="NAME=PATH", help="interpreters of contenders that live elsewhere"
    )
    parser.add_argument("--markdown", action="store_true", help="print the rows of a Markdown table")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and end")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(cases, options.serve)
        return
    chosen = {
        name: _row(row)
        for name, row in cases.items()
        if not options.only or any(fnmatch.fnmatch(name, pattern) for pattern in options.only)
    }
    if not chosen:
        raise SystemExit(f"no row matches {options.only}; the rows are {', '.join(cases)}")
    if options.list:
        print(*chosen, sep="\n")
        return
    run(chosen, options)
