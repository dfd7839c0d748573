"""The recipes that `linnet train` knows, by name. To add one: a file here with a RECIPE, and a line below."""

from linnet.cli.recipes import (
    adding,
    addition,
    captions,
    char_lstm,
    forecast,
    lenet5,
    logistic,
    mlp,
    row_lstm,
    sensors,
    sentiment,
    tagging,
    translation,
    word_lstm,
)
from linnet.cli.recipes.recipe import Data, Defaults, Recipe

MODULES = (
    lenet5,
    mlp,
    logistic,
    row_lstm,
    captions,
    sensors,
    sentiment,
    tagging,
    char_lstm,
    word_lstm,
    addition,
    translation,
    forecast,
    adding,
)
RECIPES: dict[str, Recipe] = {module.RECIPE.name: module.RECIPE for module in MODULES}

__all__ = ["RECIPES", "Data", "Defaults", "Recipe"]
