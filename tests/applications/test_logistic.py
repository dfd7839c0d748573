import numpy as np

from linnet.applications import LogisticRegression


def test_it_starts_undecided() -> None:
    model = LogisticRegression((28, 28, 1), classes=10)
    assert model.count_params() == 7850
    scores = np.asarray(model.predict(np.random.default_rng(0).random((3, 28, 28, 1), np.float32), verbose=0))
    np.testing.assert_allclose(scores, 0.1, rtol=1e-6)
