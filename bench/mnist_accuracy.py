"""Test accuracy of `linnet train lenet5 --data mnist`: 12 epochs, 3 seeds.

    python bench/mnist_accuracy.py [--data-dir DIR] [--seeds 1 2 3]

LeCun et al. (1998) report 99.05 % for LeNet-5.
"""

from __future__ import annotations

import argparse
import csv
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    accuracies = []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "linnet", "train", "lenet5", "--data", "mnist", "--epochs", "12"]
            command += ["--seed", str(seed), "--out", folder]
            if arguments.data_dir:
                command += ["--data-dir", arguments.data_dir]
            begin = time.perf_counter()
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            elapsed = time.perf_counter() - begin
            found = re.search(r"[Tt]est accuracy:?\s+([0-9.]+)\s*%", text)
            if not found:
                raise SystemExit(f"no test accuracy in the output of {' '.join(command)}:\n{text}")
            epochs = len(list(csv.DictReader((Path(folder) / "history.csv").open())))
        accuracies.append(float(found[1]))
        print(f"seed {seed}: test accuracy {found[1]} % after {epochs} epochs, {elapsed:.0f} s in all", flush=True)
    print(f"mean of {len(accuracies)} seeds: {statistics.mean(accuracies):.3f} %")
