"""CTC against the sum over all paths and against PyTorch's values; gradients; sequences that do not fit."""

import itertools

import numpy as np
import pytest
from support import check_function, gradients, samples

import linnet
from linnet import losses
from linnet.backend.errors import ShapeError

LABELS = np.array([[1, 2, 0], [1, 1, 0], [0, 0, 0], [2, 1, 2]], np.int32)
SCORES = samples((4, 5, 3), 1)


def spelled(path):
    merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
    return [c for c in merged if c]


def by_paths(scores):
    """-log of the summed probabilities of all 3^5 paths that spell the labels."""
    found = []
    for row, labels in zip(scores, LABELS, strict=True):
        logs = row - np.log(np.exp(row).sum(-1, keepdims=True))
        wanted = [c for c in labels if c]
        total = sum(
            np.exp(sum(logs[t, c] for t, c in enumerate(path)))
            for path in itertools.product(range(3), repeat=5)
            if spelled(path) == wanted
        )
        found.append(-np.log(total))
    return np.array(found)


def test_values_and_gradients():
    check_function(lambda s: losses.ctc(LABELS, s), by_paths, [SCORES])
    assert losses.CTC()(LABELS, SCORES) == pytest.approx(by_paths(SCORES.astype(float)).mean(), rel=1e-5)


def test_longer_sequences_against_torch():
    torch = pytest.importorskip("torch")
    labels = np.random.default_rng(2).integers(1, 6, (7, 12)).astype(np.int32)
    lengths = np.array([12, 0, 1, 5, 12, 7, 3])
    labels[np.arange(12) >= lengths[:, None]] = 0
    scores = 2 * samples((7, 40, 6), 3)
    x = torch.from_numpy(scores).double().requires_grad_()
    logs = torch.log_softmax(x, -1).transpose(0, 1)
    wanted = torch.nn.functional.ctc_loss(
        logs, torch.from_numpy(labels), torch.full((7,), 40), torch.from_numpy(lengths), reduction="none"
    )
    wanted.sum().backward()
    np.testing.assert_allclose(losses.ctc(labels, scores), wanted.detach().numpy(), rtol=1e-4, atol=1e-4)
    (got,) = gradients(lambda s: losses.ctc(labels, s), [scores], np.ones(7))
    np.testing.assert_allclose(got, x.grad.numpy(), rtol=1e-3, atol=1e-4)


def test_what_does_not_fit_is_finite_and_large():
    loss = losses.ctc(np.array([[1, 1, 1, 1]], np.int32), samples((1, 4, 3)))  # needs 7 steps
    assert 5e4 < float(loss[0]) < 1e6


def test_it_learns_in_batches_of_any_size():
    linnet.utils.set_random_seed(5)
    x = np.random.default_rng(6).integers(1, 4, (50, 6))
    one_hot = np.eye(4, dtype=np.float32)[np.repeat(x, 2, axis=1)]  # every label twice; equal neighbours run together
    labels = np.array([np.pad(r := [c for c, _ in itertools.groupby(row)], (0, 6 - len(r))) for row in x], np.int32)
    model = linnet.Sequential([linnet.Input((12, 4)), linnet.layers.Dense(4)])
    model.compile(linnet.optimizers.Adam(0.1), losses.CTC())
    history = model.fit(one_hot, labels, batch_size=16, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]


def test_errors():
    with pytest.raises(ShapeError, match=r"ctc: expected label sequences \(n, labels\) and scores"):
        losses.CTC()(LABELS, SCORES[:, 0])
    with pytest.raises(ShapeError, match="label sequences do not fit scores"):
        losses.ctc(LABELS[:1], SCORES)
