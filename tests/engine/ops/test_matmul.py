"""Products: every transposition, batches of them, hostile sizes, epilogues."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import Case, check_epilogues, check_op, normal

from linnet import _engine as E


def product(trans_a: bool = False, trans_b: bool = False):
    def oracle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a.swapaxes(-1, -2) if trans_a else a) @ (b.swapaxes(-1, -2) if trans_b else b)

    return oracle


SIZES = [(1, 1, 1), (-1, 5, 3), (13, 1, 17), (7, 37, 1), (-1, 129, 31), (17, 6, 65), (-3, 19, 2), (5, 0, 3), (0, 4, 3)]
CASES = [
    Case(
        "matmul",
        (normal(*((k, m) if ta else (m, k))), normal(*((n, k) if tb else (k, n)))),
        product(ta, tb),
        {"trans_a": ta, "trans_b": tb},
        name=f"{'t' * ta or 'n'}{'t' * tb or 'n'}",
        rowwise=m < 0 and not ta,
    )
    for m, k, n in SIZES
    for ta in (False, True)
    for tb in (False, True)
]
CASES += [
    Case(
        "matmul",
        (normal(*batch, *((5, 3) if ta else (3, 5))), normal(*batch, *((7, 5) if tb else (5, 7)))),
        product(ta, tb),
        {"trans_a": ta, "trans_b": tb},
        name=f"batch-{'t' * ta or 'n'}{'t' * tb or 'n'}",
        rowwise=batch[0] == -1,
    )
    for batch in [(-1,), (2, 3), (-1, 2)]
    for ta in (False, True)
    for tb in (False, True)
]
CASES += [
    Case("matmul", (normal(-1, 4, 3), normal(3, 6)), product(), name="rows", rowwise=True),
    Case("matmul", (normal(-1, 4, 3), normal(6, 3)), product(trans_b=True), {"trans_b": True}, name="rows-nt"),
    Case("matmul", (normal(2, -1, 4, 3), normal(3, 1)), product(), name="rows"),
    # The batch is the inner size: gradients of weights.
    Case("matmul", (normal(-1, 5), normal(-1, 3)), product(trans_a=True), {"trans_a": True}, name="inner"),
    Case("matmul", (normal(4, -2), normal(3, -2)), product(trans_b=True), {"trans_b": True}, name="inner"),
    Case("matmul", (normal(-1, 4), normal(-1, 4)), product(trans_b=True), {"trans_b": True}, name="gram"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_matmul(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize(
    ("a", "b"), [((-1, 37), (37, 17)), ((-1, 2, 5), (5, 1)), ((-1, 3, 5), (-1, 5, 4)), ((1, 1), (1, 1))], ids=str
)
def test_epilogues(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    check_epilogues("matmul", normal(*a), normal(*b), {}, product())


@pytest.mark.parametrize(
    ("a", "b", "attributes", "message"),
    [
        ((-1, 3), (4, 5), {}, r'matmul "d1": the inner sizes \(3,\) and \(4,\) differ; a \(n, 3\), b \(4, 5\)'),
        ((-1, 3), (5, 4), {"trans_b": True}, r"differ; a \(n, 3\), b \(5, 4\) transposed"),
        ((3,), (3, 5), {}, "both operands need at least 2 dimensions"),
        ((2, 4, 3), (3, 3, 5), {}, "the leading axes differ"),
        ((2, 4, 3), (1, 2, 3, 5), {}, "the leading axes differ"),
        ((2, 3, 4), (3, 5), {"trans_a": True}, "a transposed left operand of more than 2 dimensions"),
    ],
)
def test_bad_shapes(a: tuple[int, ...], b: tuple[int, ...], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    values = [graph.input("a", a, "float32"), graph.input("b", b, "float32")]
    with pytest.raises(E.ShapeError, match=message):
        graph.add("matmul", values, attributes, "d1")


def test_bad_epilogue_operands() -> None:
    graph = E.Graph()
    a, b, c = (graph.input(n, s, "float32") for n, s in (("a", (-1, 3)), ("b", (3, 5)), ("c", (4,))))
    with pytest.raises(E.ShapeError, match=r"bias \(4,\) does not fit the output \(n, 5\)"):
        graph.add("matmul", [a, b, c], {"bias": True})
    with pytest.raises(E.ShapeError, match=r"residual \(n, 3\) does not fit"):
        graph.add("matmul", [a, b, a], {"residual": True})
    with pytest.raises(E.ShapeError, match="takes 3 inputs, got 2"):
        graph.add("matmul", [a, b], {"bias": True})
    with pytest.raises(E.UnsupportedError, match="both carry the batch cannot be merged"):
        graph.add("matmul", [graph.input("d", (-1, -1, 3), "float32"), b], {})
