"""The two multi-class hinges against loops over classes, values and gradients; class numbers and one-hot labels."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses
from linnet.backend.errors import ShapeError

IDS = np.array([0, 2, 1, 1, 3, 2], np.int32)
S = 2 * samples((6, 4), 3)


def weston_watkins(s, margin=1.0, power=1):
    return np.array(
        [sum(max(0, s[i, j] - s[i, y] + margin) ** power for j in range(4) if j != y) for i, y in enumerate(IDS)]
    )


def crammer_singer(s, margin=1.0, power=1):
    return np.array(
        [max(0, max(s[i, j] - s[i, y] + margin for j in range(4) if j != y)) ** power for i, y in enumerate(IDS)]
    )


@pytest.mark.parametrize("labels", [IDS, IDS[:, None], np.eye(4, dtype=np.float32)[IDS]], ids=["1d", "2d", "one-hot"])
@pytest.mark.parametrize(("margin", "squared"), [(1.0, False), (0.3, False), (2.0, True)])
def test_values_and_gradients(labels, margin, squared):
    for function, oracle in (
        (losses.weston_watkins_hinge, weston_watkins),
        (losses.crammer_singer_hinge, crammer_singer),
    ):
        check_function(
            lambda s, f=function: f(labels, s, margin=margin, squared=squared),
            lambda s, f=oracle: f(s, margin, 1 + squared),
            [S],
        )


def test_the_example_of_the_lecture_notes():
    # Scores 13, -7, 11, the first class right: with margin 10, the third comes too near by 8.
    for loss in (losses.WestonWatkinsHinge(margin=10), losses.CrammerSingerHinge(margin=10)):
        assert loss([0], [[13.0, -7.0, 11.0]]) == pytest.approx(8)


def test_crammer_singer_is_keras_categorical_hinge_where_scores_are_positive():
    labels = np.eye(4, dtype=np.float32)[IDS]
    plain = losses.CategoricalHinge()(labels, np.abs(S))
    assert losses.CrammerSingerHinge()(IDS, np.abs(S)) == pytest.approx(plain, rel=1e-5)


def test_errors():
    with pytest.raises(ShapeError, match=r"weston_watkins_hinge: for scores \(6, 4\), y_true must be class numbers"):
        losses.WestonWatkinsHinge()(np.zeros((6, 3)), S)
    with pytest.raises(ValueError, match="margin must not be negative"):
        losses.CrammerSingerHinge(margin=-1.0)
