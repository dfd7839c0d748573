"""Products of matrices: linnet, torch, and the share of the machine's peak.

    python bench/gemm.py --threads 1
    LINNET_ISA=x86-64-v3 python bench/gemm.py --only 512 1024 --threads 1

needs torch beside linnet. Rows are m × k times k × n, named m×n×k (one number: a cube). torch multiplies with `out=`,
once with the right matrix stored as linnet has it and once transposed, as torch.nn.Linear keeps its weights; the better
of the two counts. 1×4096×4096 reads its matrix from memory, so that its share is that of the bandwidth. The neighbours
± 1 show that no size is special. The error is that of the first 64 rows against float64.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from engine import Program, l2_error, normal
from interleave import Row, Timed, main

Shape = tuple[int, int, int]  # m, n, k


def operands(m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    return normal(1, m, k), normal(2, k, n)


def error(found: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    return l2_error(found[:64], a[:64].astype(np.float64) @ b.astype(np.float64))


def by_linnet(shape: Shape) -> Timed:
    a, b = operands(*shape)
    program = Program()
    step = program.compile(program.add("matmul", program.array(a), program.array(b)))
    return Timed(step, lambda: error(program.result(0), a, b))


def by_torch(shape: Shape, transposed: bool) -> Timed:
    import torch

    a, b = operands(*shape)
    left, right = torch.from_numpy(a), torch.from_numpy(b)
    if transposed:
        right = right.t().contiguous().t()
    out = torch.empty(shape[0], shape[1])
    return Timed(functools.partial(torch.mm, left, right, out=out), lambda: error(out.numpy(), a, b))


def row(shape: Shape, group: str) -> Row:
    m, n, k = shape
    contenders: dict[str, Callable[[], Timed]] = {"linnet": functools.partial(by_linnet, shape)}
    if group != "neighbours":
        contenders["torch"] = functools.partial(by_torch, shape, False)
        contenders["torch transposed"] = functools.partial(by_torch, shape, True)
    moved = 4 * (m * k + k * n + m * n)
    return Row(contenders, flops=2 * m * n * k, bytes=moved, bound_by_memory=m == 1, group=group)


def cube(size: int) -> Shape:
    return size, size, size


SQUARE = [cube(256), cube(384), cube(512), cube(768), cube(1024), cube(1536), cube(2048)]
LAYERS = [(128, 512, 784), (3136, 64, 576), (12544, 64, 147)]
SKINNY = [(128, 10, 512), (32, 128, 400), (32, 1024, 256), cube(64), (1, 4096, 4096)]
NEIGHBOURS = [cube(size + d) for size in (64, 256, 512, 1024) for d in (-1, 1)]
NEIGHBOURS += [tuple(size + d for size in shape) for shape in (*LAYERS, *SKINNY[:3]) for d in (-1, 1)]  # type: ignore[misc]
GROUPS = {"large": SQUARE + LAYERS, "skinny": SKINNY, "neighbours": NEIGHBOURS}


def name(shape: Shape) -> str:
    return str(shape[0]) if len(set(shape)) == 1 else "×".join(map(str, shape))


CASES = {name(shape): row(shape, group) for group, shapes in GROUPS.items() for shape in shapes}

if __name__ == "__main__":
    main(__doc__, CASES)
