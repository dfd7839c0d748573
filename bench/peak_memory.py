"""Peak memory of training a network, against PyTorch.

    python bench/peak_memory.py --only resnet20 alexnet resnet50 vgg16

needs torch beside linnet. Each contender trains three steps with Adam in a process of its own (the contenders of
train_step.py), which then reports the most memory it has ever had resident: the libraries, the weights with gradients
and optimizer state, the activations, and what was needed for a moment while the model was built. PyTorch's best counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys

from networks import TRAINING
from train_step import CASES


def megabytes() -> float:
    """The most memory that this process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(network: str, contender: str) -> None:
    step = CASES[network][contender]()
    for _ in range(3):
        step()
    print(json.dumps(megabytes()))


def measured(network: str, contender: str) -> float:
    command = [sys.executable, sys.argv[0], "--serve", network, contender]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(answer.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(TRAINING), help=f"networks, of {', '.join(TRAINING)}")
    parser.add_argument("--contenders", nargs="*", help="contenders to run (default all)")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(*arguments.serve)
        return
    for network in arguments.only:
        names = [n for n in CASES[network] if not arguments.contenders or n in arguments.contenders]
        peaks = {name: measured(network, name) for name in names}
        row = [f"{network:10}"] + [f"{name} {peak:6.0f} MB" for name, peak in peaks.items()]
        peers = [peak for name, peak in peaks.items() if name != "linnet"]
        if peers and "linnet" in peaks:
            row.append(f"linnet needs {peaks['linnet'] / min(peers):.2f} of the best peer's")
        print("  ".join(row), flush=True)


if __name__ == "__main__":
    main()
