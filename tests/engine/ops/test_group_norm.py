"""Layer, group, instance and root-mean-square normalisation: outputs, all gradients, bad shapes."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, floats, normal

from linnet import _engine as E


def group_norm(groups: int, rms: bool, scale: bool, offset: bool, epsilon: float):
    def oracle(x: np.ndarray, *vectors: np.ndarray) -> tuple[np.ndarray, ...]:
        n, steps, c = x.shape
        parts = x.reshape(n, steps, groups, c // groups)
        mean = np.zeros((n, 1, groups, 1)) if rms else parts.mean(axis=(1, 3), keepdims=True)
        rstd = 1 / np.sqrt(np.square(parts - mean).mean(axis=(1, 3), keepdims=True) + epsilon)
        y = ((parts - mean) * rstd).reshape(x.shape)
        left = list(vectors)
        if scale:
            y = y * left.pop(0)
        if offset:
            y = y + left.pop(0)
        return y, mean.reshape(n, groups), rstd.reshape(n, groups)

    return oracle


def case(shape: tuple[int, ...], groups: int, rms: bool, scale: bool, offset: bool) -> Case:
    args = [normal(*shape)]
    args += [floats(shape[-1], low=0.5, high=2)] * scale + [normal(shape[-1])] * offset
    flags = {"groups": groups, "rms": rms, "scale": scale, "offset": offset, "epsilon": 1e-2}
    name = f"{groups}{'-rms' * rms}{'-scale' * scale}{'-offset' * offset}"
    return Case(
        "group_norm",
        tuple(args),
        group_norm(groups, rms, scale, offset, 1e-2),
        flags,
        name=name,
        covers=("group_norm_grad",),
        rowwise=shape[0] < 0,
        rtol=3e-5,
        grad_rtol=1e-3,
    )


CASES = [
    case((-1, 1, 7), 1, False, True, True),
    case((-1, 1, 37), 1, False, False, False),
    case((-1, 1, 19), 1, True, True, False),
    case((-3, 1, 16), 1, False, True, False),
    case((-1, 6, 8), 4, False, True, True),
    case((-1, 5, 6), 6, False, False, True),
    case((-1, 4, 64), 2, False, True, True),
    case((-1, 7, 10), 5, True, True, False),
    case((3, 4, 9), 3, False, True, True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_group_norm(case: Case) -> None:
    check_op(case)


def test_bad_shapes() -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 4, 6), "float32")
    five = graph.input("five", (5,), "float32")
    with pytest.raises(
        E.ShapeError, match=r'group_norm "g": the 6 channels of x \(n, 4, 6\) do not divide into 4 groups'
    ):
        graph.add("group_norm", [x], {"groups": 4}, "g")
    with pytest.raises(E.ShapeError, match=r"input has 6 channels, gamma has shape \(5,\)"):
        graph.add("group_norm", [x, five], {"scale": True})
    with pytest.raises(E.ShapeError, match=r"input has 6 channels, beta has shape \(5,\)"):
        graph.add("group_norm", [x, five], {"offset": True})
    with pytest.raises(E.ShapeError, match="only the first axis may carry the batch"):
        graph.add("group_norm", [graph.input("y", (2, -1, 6), "float32")], {})
    with pytest.raises(E.ShapeError, match=r"\(samples, steps, channels\)"):
        graph.add("group_norm", [five], {})
    with pytest.raises(E.ShapeError, match="takes x, its gradient"):
        graph.add("group_norm_grad", [x, x, five, five], {})
