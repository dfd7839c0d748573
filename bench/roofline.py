"""Draws the roofline picture of docs/performance.md from runs of the kernel benchmarks.

    python bench/roofline.py runs/gemm-2.json runs/conv2d-2.json runs/memory_bound-2.json --out docs/roofline.svg

needs matplotlib. A kernel that does I floating-point operations for each byte that it must move can do at most
min(peak, I × bandwidth) operations a second (Williams, Waterman & Patterson, 2009): the roof. Each point is a kernel,
linnet's filled and the best peer's hollow, at its measured rate. Convolutions count the operations of the sum as it is
written, so Winograd's algorithm lies above the roof; so does what stays in the last-level cache. Nothing here measures.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from tables import Runs, count, read

COLORS = {"gemm": "#1b6ca8", "conv2d": "#c1440e", "memory_bound": "#3a7d44"}
LABELS = {"gemm": "matrix products", "conv2d": "convolutions", "memory_bound": "bound by memory"}


def points(records: list[dict[str, Any]]) -> list[tuple[float, float, float | None]]:
    """Operations a byte, GFLOP/s of linnet and of the best peer, of every row."""
    found = []
    for record in records:
        if not (record.get("flops") and record.get("bytes")):
            continue
        ours, peer = next(iter(record["seconds"])), record.get("ratio", {}).get("peer")
        rates = [record["flops"] / record["seconds"][name] / 1e9 if name else None for name in (ours, peer)]
        found.append((record["flops"] / record["bytes"], rates[0], rates[1]))
    return found


def draw(found: dict[str, Runs], threads: int, path: Path) -> None:
    mpl.rcParams.update({"svg.hashsalt": "linnet", "svg.fonttype": "none", "font.size": 10})
    figure, axes = plt.subplots(figsize=(8, 5))
    machines = [runs.machines[threads] for runs in found.values()]
    peak = statistics.median(machine["peak_flops"] for machine in machines) / 1e9
    bandwidth = statistics.median(machine["peak_bytes"] for machine in machines) / 1e9
    clouds = {
        script: points([records[threads] for records in runs.rows.values() if threads in records])
        for script, runs in found.items()
    }
    every = [point for cloud in clouds.values() for point in cloud]
    low, high = min(point[0] for point in every) / 1.5, max(point[0] for point in every) * 1.5
    axes.plot([low, peak / bandwidth, high], [low * bandwidth, peak, peak], color="black", linewidth=1.5)
    axes.annotate(f"{peak:.0f} GFLOP/s", (high, peak), ha="right", va="bottom")
    axes.annotate(f"{bandwidth:.0f} GB/s", (low, low * bandwidth), ha="left", va="bottom")
    for script, cloud in clouds.items():
        color = COLORS[script]
        axes.scatter([p[0] for p in cloud], [p[1] for p in cloud], s=22, color=color, label=LABELS[script])
        peers = [(p[0], p[2]) for p in cloud if p[2]]
        if peers:
            axes.scatter(*zip(*peers, strict=True), s=22, facecolors="none", edgecolors=color, linewidths=0.8)
    axes.scatter([], [], s=22, facecolors="none", edgecolors="gray", label="torch")
    axes.set(xscale="log", yscale="log", xlim=(low, high), xlabel="floating-point operations per byte")
    axes.set_ylabel("GFLOP/s")
    axes.grid(which="major", color="#dddddd", linewidth=0.6)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title(f"{machines[0]['processor']}, {machines[0]['isa']}, {count(threads)}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="files that --json has written")
    parser.add_argument("--threads", type=int, default=2, help="the runs with so many threads (default 2)")
    parser.add_argument("--out", type=Path, default=Path("docs/roofline.svg"))
    options = parser.parse_args()
    found = {script: runs for script, runs in read(options.runs).items() if options.threads in runs.machines}
    if not found:
        raise SystemExit(f"no run with {count(options.threads)}")
    draw(found, options.threads, options.out)


if __name__ == "__main__":
    main()
