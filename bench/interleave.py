"""Times contenders in turns, so that a ratio means something on a machine that others use, too.

Every contender runs in a process of its own (an OpenMP library keeps its threads spinning after a call and would steal
the core from whoever is measured next). The parent gives each the word in turn: it runs its step for a fraction of a
second and answers with the median time of a step. A ratio is taken within a round; reported is the median over the
rounds, with the range.

A benchmark script defines contenders as functions that return the step to time, and ends with

    if __name__ == "__main__":
        main(__doc__, cases)

where `cases` maps the name of a row to {contender name: function}. The first contender is linnet, the others peers; the
best peer of the run decides.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

Step = Callable[[], object]
Cases = Mapping[str, Mapping[str, Callable[[], Step]]]


def _serve(step: Step) -> None:
    """Child: runs `step` for as long as each line on stdin says, answers with the median seconds of one step."""
    for _ in range(3):
        step()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        seconds, times = float(line), []
        end = time.perf_counter() + seconds
        for _ in range(3):  # wake threads, warm caches
            step()
        while time.perf_counter() < end or len(times) < 3:
            begin = time.perf_counter()
            step()
            times.append(time.perf_counter() - begin)
        print(json.dumps(statistics.median(times)), flush=True)


class Contender:
    """A child process that times one step on demand."""

    def __init__(self, case: str, name: str, threads: int) -> None:
        self.name = name
        environment = dict(os.environ, LINNET_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(
            [sys.executable, sys.argv[0], "--serve", case, name, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._answer()

    def _answer(self) -> object:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                return json.loads(line)
            except json.JSONDecodeError:
                continue  # a library talking to itself
        raise SystemExit(f"{self.name} ended without an answer")

    def time(self, seconds: float) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self._answer())  # type: ignore[arg-type]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(case: str, names: list[str], threads: int, rounds: int, seconds: float) -> None:
    """Prints one row: time of each contender, and how many times faster linnet is than the best peer."""
    contenders = [Contender(case, name, threads) for name in names]
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        order = contenders if turn % 2 == 0 else contenders[::-1]
        for contender in order:
            times[contender.name].append(contender.time(seconds))
    for contender in contenders:
        contender.close()
    ours, peers = names[0], names[1:]
    row = [f"{case:34}"] + [f"{name} {statistics.median(times[name]) * 1e6:10.1f} us" for name in names]
    if peers:
        best = min(peers, key=lambda name: statistics.median(times[name]))
        ratios = [b / a for a, b in zip(times[ours], times[best], strict=True)]
        row.append(f"ratio to {best}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print("  ".join(row), flush=True)


def main(doc: str | None, cases: Cases) -> None:
    """The command line of a benchmark script."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads for every contender (default 2)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every contender (default 9)")
    parser.add_argument("--seconds", type=float, default=0.4, help="length of one turn (default 0.4)")
    parser.add_argument("--only", nargs="*", help=f"rows to run, of {', '.join(cases)}")
    parser.add_argument("--contenders", nargs="*", help="contenders to run (default all)")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        case, name = arguments.serve
        _serve(cases[case][name]())
        return
    for case, contenders in cases.items():
        if arguments.only and case not in arguments.only:
            continue
        names = [name for name in contenders if not arguments.contenders or name in arguments.contenders]
        compare(case, names, arguments.threads, arguments.rounds, arguments.seconds)
