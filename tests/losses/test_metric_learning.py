"""Losses over all pairs of a batch, against loops over the pairs: values, gradients, and training in batches of any
size."""

import numpy as np
import pytest
from support import check_function, samples

import linnet
from linnet import losses
from linnet.backend.errors import ShapeError

FACES = np.array([0, 1, 0, 2, 1, 1, 0], np.int32)
X = samples((7, 3), 5)


def distances(x, squared):
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    return d if squared else np.sqrt(d)


def hard(x, margin, squared):
    d, found = distances(x, squared), []
    for a, label in enumerate(FACES):
        positives = [d[a, p] for p in range(7) if p != a and FACES[p] == label]
        negatives = [d[a, k] for k in range(7) if FACES[k] != label]
        found.append(max(0, max(positives) - min(negatives) + margin) if positives else 0.0)
    return np.array(found)


def semi_hard(x, margin, squared):
    d, found = distances(x, squared), []
    for a, label in enumerate(FACES):
        negatives = [d[a, k] for k in range(7) if FACES[k] != label]
        values = []
        for p in range(7):
            if p != a and FACES[p] == label:
                farther = [k for k in negatives if k > d[a, p]]
                values.append(max(0, d[a, p] - (min(farther) if farther else max(negatives)) + margin))
        found.append(np.mean(values) if values else 0.0)
    return np.array(found)


def circle(x, gamma=80.0, margin=0.4):
    d = np.maximum(1 - x @ x.T, 0)
    found = []
    for a, label in enumerate(FACES):
        near = [gamma * (margin + d[a, p]) * (d[a, p] - margin) for p in range(7) if p != a and FACES[p] == label]
        far = [gamma * max(1 + margin - d[a, k], 0) * (1 - margin - d[a, k]) for k in range(7) if FACES[k] != label]
        total = np.logaddexp.reduce(near) + np.logaddexp.reduce(far) if near else -np.inf
        found.append(np.logaddexp(0, total))
    return np.array(found)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_triplets(margin, squared):
    for function, oracle in ((losses.triplet_hard, hard), (losses.triplet_semi_hard, semi_hard)):
        check_function(
            lambda x, f=function: f(FACES, x, margin=margin, squared=squared),
            lambda x, f=oracle: f(x, margin, squared),
            [X],
            rtol=1e-4,
            atol=1e-4,
        )


def test_triplet_means_leave_out_who_has_no_partner():
    for loss, oracle in (
        (losses.TripletHard(), hard(X, 1.0, False)),
        (losses.TripletSemiHard(), semi_hard(X, 1, True)),
    ):
        assert loss(FACES, X) == pytest.approx(oracle[FACES != 2].mean(), rel=1e-4)
        assert loss(FACES[:, None], X) == pytest.approx(oracle[FACES != 2].mean(), rel=1e-4)
    assert losses.TripletHard()(np.arange(7), X) == 0
    assert losses.TripletSemiHard()(np.zeros(7), X) == 0


def test_soft_margin():
    d = distances(X, False)
    over = max(d[0, 2], d[0, 6]) - min(d[0, k] for k in (1, 3, 4, 5))
    assert losses.triplet_hard(FACES, X, margin=0.0, soft=True)[0] == pytest.approx(np.log1p(np.exp(over)), rel=1e-4)


def test_circle():
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    check_function(lambda x: losses.circle(FACES, x, gamma=8), lambda x: circle(x, 8), [unit], rtol=1e-4, atol=1e-4)
    values = circle(unit.astype(float))
    assert losses.Circle()(FACES, unit) == pytest.approx(values[values > 0].mean(), rel=1e-4)


def test_contrastive():
    same, d = np.array([[1.0], [0.0], [0.0]]), np.array([[0.5], [0.2], [3.0]])
    check_function(
        lambda p: losses.contrastive(same, p),
        lambda p: (same * p**2 + (1 - same) * np.maximum(1 - p, 0) ** 2).mean(-1),
        [d.astype(np.float32)],
    )
    assert losses.Contrastive()(same, d) == pytest.approx((0.25 + 0.64) / 3)


@pytest.mark.parametrize("loss", [losses.TripletHard(), losses.TripletSemiHard(), losses.Circle()])
def test_training_separates_classes_and_the_last_batch_may_be_smaller(loss):
    linnet.utils.set_random_seed(1)
    labels = np.arange(50, dtype=np.int32) % 5
    x = (np.eye(5)[labels] + 0.3 * samples((50, 5), 8)).astype(np.float32)
    model = linnet.Sequential([linnet.Input((5,)), linnet.layers.Dense(8, activation="tanh"), linnet.layers.Dense(3)])
    if isinstance(loss, losses.Circle):
        model.add(linnet.layers.Activation(lambda v: linnet.ops.normalize(v)))
    model.compile(linnet.optimizers.Adam(0.01), loss)
    first = model.evaluate(x, labels, batch_size=16, verbose=0)
    model.fit(x, labels, batch_size=16, epochs=20, verbose=0)
    assert model.evaluate(x, labels, batch_size=16, verbose=0) < 0.9 * first


def test_errors_name_the_shapes():
    with pytest.raises(ShapeError, match=r"triplet_hard: expected class numbers \(n,\) and embeddings \(n, d\); got"):
        losses.triplet_hard(np.zeros((7, 2)), X)
