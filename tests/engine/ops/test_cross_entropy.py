"""Cross-entropies against -log softmax: labels, distributions, merged axes, and what is said about a bad label."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Arg, Case, check_op, floats, integers, restored

from linnet import _engine as E


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def sparse(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    log = log_softmax(logits)
    return -np.take_along_axis(log, labels[..., None].astype(np.int64), -1)[..., 0], np.exp(log)


def dense(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    log = log_softmax(logits)
    return -(targets * log).sum(axis=-1), np.exp(log)


def logits(*shape: int) -> Arg:
    return floats(*shape, low=-6, high=6)


SHAPES = [(-1, 1), (-1, 10), (-1, 3, 17), (-4, 5), (7, 2), (5,), (-1, 257)]
CASES = [
    Case(
        "sparse_cross_entropy",
        (logits(*s), integers(*s[:-1], below=s[-1])),
        sparse,
        rowwise=s[0] == -1,
        covers=("sparse_cross_entropy_grad",),
    )
    for s in SHAPES
]
CASES += [
    # Targets need not sum to one: the gradient says so, too.
    Case("cross_entropy", (logits(*s), floats(*s, low=0, high=1)), dense, covers=("cross_entropy_grad",))
    for s in SHAPES
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cross_entropy(case: Case) -> None:
    check_op(case)


def bad_label_message(shape: tuple[int, ...], labels: np.ndarray, n: int, **rows: object) -> str:
    graph = E.Graph()
    x = graph.input("x", (*shape, 4), "float32")
    y = graph.input("y", shape, "int32")
    loss = graph.add("sparse_cross_entropy", [x, y], {}, "loss")[0]
    executable = E.Executable(graph, [loss], 8)
    data = np.zeros((*labels.shape, 4), np.float32)
    if rows:
        executable.bind_rows(x, data)
        executable.bind_rows(y, labels)
    with pytest.raises(ValueError, match="outside") as error:
        executable.run_rows(n=n, **rows) if rows else executable.run(n, [data, labels])
    assert not isinstance(error.value, E.ShapeError)
    return str(error.value)


def test_a_bad_label_is_named() -> None:
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            for label in (4, -1, 2**31 - 1):
                labels = np.array([0, 3, label, 9, 1], np.int32)
                expected = f"label {label} is outside of the 4 classes 0 to 3 (row 2 of the batch)"
                assert bad_label_message((-1,), labels, 5) == f'sparse_cross_entropy "loss": {expected}'


def test_a_bad_label_is_found_in_the_data_set() -> None:
    labels = np.array([0, 1, 2, 3, 7, 0, 1], np.int32)
    order = np.array([6, 5, 4, 3, 2, 1, 0])
    expected = 'sparse_cross_entropy "loss": label 7 is outside of the 4 classes 0 to 3 (row 1 of the batch, sample 4)'
    assert bad_label_message((-1,), labels, 3, indices=order, start=1) == expected
    assert bad_label_message((-1,), labels, 3, indices=None, start=3) == expected


def test_a_bad_label_in_merged_axes_names_the_sample() -> None:
    labels = np.zeros(6, np.int32)
    labels[5] = 4  # three per sample: sample 1
    assert bad_label_message((-3,), labels, 2).endswith("(row 1 of the batch)")
    labels = np.zeros((2, 3), np.int32)
    labels[1, 1] = -5
    assert "label -5 is outside" in bad_label_message((-1, 3), labels, 2)
    assert bad_label_message((-1, 3), labels, 2).endswith("(row 1 of the batch)")


def test_a_run_after_a_bad_label_is_good() -> None:
    graph = E.Graph()
    x, y = graph.input("x", (-1, 3), "float32"), graph.input("y", (-1,), "int32")
    executable = E.Executable(graph, graph.add("sparse_cross_entropy", [x, y], {})[:1], 2)
    data = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="label 3"):
        executable.run(2, [data, np.array([0, 3], np.int32)])
    np.testing.assert_allclose(executable.run(2, [data, np.array([0, 2], np.int32)])[0], np.log(3.0), rtol=1e-6)


def test_large_logits_are_stable() -> None:
    graph = E.Graph()
    x, y = graph.input("x", (-1, 3), "float32"), graph.input("y", (-1,), "int32")
    loss = graph.add("sparse_cross_entropy", [x, y], {})[0]
    data = np.array([[1e4, 0, -1e4], [1e4, 0, -1e4]], np.float32)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = E.Executable(graph, [loss], 2).run(2, [data, np.array([0, 2], np.int32)])[0]
            np.testing.assert_allclose(got, [0.0, 2e4], err_msg=isa)


def test_bad_shapes() -> None:
    graph = E.Graph()
    x, y = graph.input("x", (-1, 10), "float32"), graph.input("y", (-1, 10), "int32")
    with pytest.raises(E.ShapeError, match=r'"l": labels must have shape \(n,\) for logits \(n, 10\), got \(n, 10\)'):
        graph.add("sparse_cross_entropy", [x, y], {}, "l")
    with pytest.raises(E.ShapeError, match="input 1 must be int32, got float32"):
        graph.add("sparse_cross_entropy", [x, x], {})
    ids = graph.input("ids", (-1,), "float32")
    with pytest.raises(E.ShapeError, match=r"targets must have the shape of the logits \(n, 10\), got \(n,\)"):
        graph.add("cross_entropy", [x, ids], {})
    with pytest.raises(E.ShapeError, match="need a last axis of classes"):
        graph.add("cross_entropy", [graph.input("e", (-1, 0), "float32")] * 2, {})
    with pytest.raises(E.ShapeError, match="do not belong together"):
        graph.add("sparse_cross_entropy_grad", [x, y, ids], {})
