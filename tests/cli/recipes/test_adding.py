import numpy as np

from linnet.cli.recipes.adding import sequences


def test_sequences() -> None:
    x, y = sequences(50, 20, seed=1)
    assert x.shape == (50, 20, 2)
    assert y.shape == (50, 1)
    numbers, marks = x[..., 0], x[..., 1]
    assert (marks[:, :10].sum(axis=1) == 1).all()
    assert (marks[:, 10:].sum(axis=1) == 1).all()
    np.testing.assert_allclose((numbers * marks).sum(axis=1), y[:, 0], rtol=1e-6)
    assert 0 <= numbers.min() <= numbers.max() < 1


def test_recipe(train) -> None:
    run = train("adding", "length_50", "--samples", "640")
    assert "74,000 training and 2,000 test sequences of 50 numbers" in run.out
    assert "baseline: always 1: " in run.out
    error = float(run.out.partition("mean squared error ")[2].split(")")[0])
    assert error < 0.4
