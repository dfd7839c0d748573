"""What is left of the speed when another process keeps one of two cores busy.

    python bench/contention.py
    python bench/contention.py --pairs

needs torch beside linnet. Each contender (a training step of LeNet-5 and of ResNet-20 in linnet and torch; a product of
two 512 × 512 matrices in linnet, torch and NumPy, whose wheels bring OpenBLAS) runs alone with two threads, alone with
one, and with two threads while another process, pinned to the last processor, computes without end. Printed are the
times of a step, and the speed under contention as a share of the idle two-thread speed. Half of the processors gives
half of the speed at best, where work can move to the processor that is free.

With `--pairs`, two copies of each contender run at once, two threads each; printed is the share of its idle speed that
each keeps: half, if they share the machine fairly and lose nothing.
"""

from __future__ import annotations

import argparse
import functools
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import train_step
from engine import Program, normal
from interleave import Contender, Row, Step, serve

THREADS = 2


def product_linnet() -> Step:
    program = Program()
    a, b = (program.array(normal(seed, 512, 512)) for seed in (1, 2))
    return program.compile(program.add("matmul", a, b))


def product_torch() -> Step:
    import torch

    a, b = (torch.from_numpy(normal(seed, 512, 512)) for seed in (1, 2))
    return functools.partial(torch.mm, a, b, out=torch.empty(512, 512))


def product_numpy() -> Step:
    import numpy as np

    a, b = (normal(seed, 512, 512) for seed in (1, 2))
    return functools.partial(np.matmul, a, b, out=np.empty((512, 512), np.float32))


def training(name: str) -> Row:
    step = train_step.CASES[name]
    return Row({"linnet": step["linnet"], "torch": step["torch-channels_last-fused"]})


CASES = {
    "lenet5": training("lenet5"),
    "resnet20": training("resnet20"),
    "512": Row({"linnet": product_linnet, "torch": product_torch, "numpy": product_numpy}),
}


@contextmanager
def busy() -> Iterator[None]:
    """Another process computes on the last processor of ours meanwhile."""
    processor = max(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{processor}]); print(flush=True)\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def contended(case: str, name: str, rounds: int, seconds: float) -> str:
    two, one = (Contender(name, threads) for threads in (THREADS, 1))
    for child in (two, one):
        child.ask("row", case)
    idle, single, under = [], [], []
    for _ in range(rounds):
        idle.append(two.ask("time", seconds))
        single.append(one.ask("time", seconds))
        with busy():
            under.append(two.ask("time", seconds))
    for child in (two, one):
        child.close()
    shares = [a / b for a, b in zip(idle, under, strict=True)]
    times = " ".join(f"{statistics.median(t) * 1e3:10.3f} ms" for t in (idle, single, under))
    return f"{times}  {statistics.median(shares):5.0%} ({min(shares):.0%} to {max(shares):.0%})"


def paired(case: str, name: str, rounds: int, seconds: float) -> str:
    pair = [Contender(name, THREADS) for _ in range(2)]
    for child in pair:
        child.ask("row", case)
    shares: list[list[float]] = [[], []]
    for _ in range(rounds):
        alone = [child.ask("time", seconds) for child in pair]
        for child in pair:
            child.send("time", seconds)
        for share, idle, child in zip(shares, alone, pair, strict=True):
            share.append(idle / child.answer())
    for child in pair:
        child.close()
    return "   ".join(f"{statistics.median(s):5.0%} ({min(s):.0%} to {max(s):.0%})" for s in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one measurement (default 0.5)")
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--contenders", nargs="*", default=["linnet", "torch", "numpy"])
    parser.add_argument("--pairs", action="store_true", help="two copies at once instead of a busy processor")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--threads", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(CASES, options.serve)
        return
    heading = "share of its idle speed of each" if options.pairs else "idle, 2 threads; 1 thread; one core busy; share"
    print(f"{'':20} {heading}")
    for case in options.only:
        for name in CASES[case].contenders:
            if name in options.contenders:
                line = (paired if options.pairs else contended)(case, name, options.rounds, options.seconds)
                print(f"{case:10} {name:8} {line}", flush=True)


if __name__ == "__main__":
    main()
