"""The recipes that `linnet train` knows, by name. To add one: a file here with a RECIPE, and a line below."""

from linnet.cli.recipes import lenet5, logistic, mlp
from linnet.cli.recipes.recipe import Data, Defaults, Recipe

RECIPES: dict[str, Recipe] = {module.RECIPE.name: module.RECIPE for module in (lenet5, mlp, logistic)}

__all__ = ["RECIPES", "Data", "Defaults", "Recipe"]
