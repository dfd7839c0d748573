"""Every recipe for images on every data set: it builds, takes the data, learns, and its settings are sound."""

import numpy as np
import pytest

from linnet.cli.recipes import RECIPES, Data
from linnet.cli.recipes.images import to_input
from linnet.datasets import digits

WEIGHTS = {"lenet5": 61_706, "mlp": 407_050, "logistic": 7_850, "row_lstm": 81_674}
PAIRS = [(recipe, data) for recipe in RECIPES.values() if recipe.name in WEIGHTS for data in recipe.defaults]


@pytest.fixture(scope="module")
def data() -> Data:
    (x, y), (x_test, y_test) = digits.load_data(image_size=28)
    return Data(to_input(x[:256]), y[:256], to_input(x_test), y_test, digits.CLASSES, "")


@pytest.mark.parametrize(("recipe", "name"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_recipe(recipe, name: str, data: Data) -> None:
    defaults = recipe.defaults[name]
    model = recipe.build(data, **defaults.model)
    assert model.count_params() == WEIGHTS[recipe.name]
    assert f"{model.count_params():,}" in recipe.description
    model.compile(optimizer=defaults.optimizer, loss=recipe.loss(), metrics=recipe.metrics())
    history = model.fit(data.x_train, data.y_train, batch_size=32, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert "accuracy" in history


def test_digits_load() -> None:
    data = RECIPES["lenet5"].load("digits", None)
    assert data.x_train.shape == (1297, 28, 28, 1)
    assert data.x_train.dtype == np.float32
    assert data.x_train.min() == 0
    assert data.x_train.max() == 1
    assert data.text == "1,297 training and 500 test images of 28x28"
