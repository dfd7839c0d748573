"""What the kernel benchmarks share: linnet's side as one compiled graph (Program), data, errors, memory.

linnet's side is a compiled graph and nothing but the call that runs it (linnet/cli/kernel_rows.py, which `linnet bench`
uses, too):

    program = Program()
    a, b = program.array(a_values), program.array(b_values)
    step = program.compile(program.add("matmul", a, b))      # step() runs the kernels; no copy goes in or comes out
    y = program.result(0)                                     # of the last step
"""

from __future__ import annotations

import os

import numpy as np

from linnet.cli.kernel_rows import Program, normal

__all__ = ["Program", "keep_freed_memory", "l2_error", "normal"]


def l2_error(found: np.ndarray, exact: np.ndarray) -> float:
    """||found - exact|| / ||exact||; the largest value found where exact is 0."""
    norm = float(np.linalg.norm(exact))
    return float(np.linalg.norm(found.astype(np.float64) - exact)) / norm if norm else float(np.abs(found).max())


def keep_freed_memory() -> None:
    """Lets every contender's malloc keep what is freed: without it a peer that allocates its results anew in every call
    would pay for fresh pages each time. To be called before children are started."""
    os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40), MALLOC_TOP_PAD_=str(64 << 20))
