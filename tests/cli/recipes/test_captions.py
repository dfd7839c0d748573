import numpy as np

from linnet.cli.recipes.captions import END, START, before, compose


def test_compose() -> None:
    images = np.arange(1, 4, dtype=np.uint8)[:, None, None] * np.ones((3, 28, 28), np.uint8)
    pictures, rows = compose(images, np.array([4, 5, 6], np.uint8), count=40, seed=0)
    assert pictures.shape == (40, 28, 112, 1)
    assert rows.shape == (40, 5)
    assert (rows[:, 4] == END).all()
    for picture, row in zip(pictures, rows, strict=True):
        for i, digit in enumerate(row[:4]):
            part = picture[:, 28 * i : 28 * (i + 1)] * 255
            np.testing.assert_allclose(part, 0 if digit == END else digit - 3, rtol=1e-6)
        assert not (np.diff((row == END).astype(int)) < 0).any()
    assert (before(rows)[:, 0] == START).all()
    np.testing.assert_array_equal(before(rows)[:, 1:], rows[:, :-1])


def test_recipe(train, evaluate) -> None:
    run = train("captions", "digits", "--samples", "128", "--epochs", "1")
    assert "6,000 training and 1,000 test pictures of 1 to 4 digits" in run.out
    assert "test accuracy of whole rows" in run.out
    assert "on digits: test accuracy of whole rows" in evaluate(run)
