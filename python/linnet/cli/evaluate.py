"""`linnet evaluate MODEL`: how good a saved model is on a data set's test part.

Classifiers of small grey images are tested whoever made them, others by the recipe that their run folder names.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from linnet.cli import run_folder
from linnet.cli.errors import CommandError, UsageError
from linnet.cli.parser import positive_int
from linnet.cli.recipes import RECIPES, Data, Recipe
from linnet.cli.recipes.images import DATASETS, ImageRecipe, load_images
from linnet.cli.scores import probabilities, results_text


def add(commands: Any) -> None:
    text = "Tests a model that linnet train has written, or any saved classifier of small grey images."
    names = sorted({*DATASETS, *(name for recipe in RECIPES.values() for name in recipe.defaults)})
    parser = commands.add_parser("evaluate", help="test a trained model", description=text)
    parser.set_defaults(parser=parser, run=run)
    option = parser.add_argument
    option("model", type=Path, metavar="MODEL", help="a model file, or the folder of a run")
    option("--data", choices=names, metavar="DATA",
           help=f"data set: {', '.join(names)} (default: the one it was trained on)")  # fmt: skip
    option("--data-dir", metavar="DIR", help="read the data set from here instead of downloading it")
    option("--batch-size", type=positive_int, default=256, metavar="N", help="samples at once (default: %(default)s)")
    option(
        "--threads",
        type=positive_int,
        metavar="N",
        help="threads to compute with (default: linnet info tells, and why)",
    )
    option("--confusion", type=Path, metavar="FILE", help="save a picture of the confusion matrix (needs matplotlib)")


def run(options: argparse.Namespace) -> None:
    import linnet

    path = run_folder.find_model(options.model)
    record = run_folder.read_run(path)
    name = options.data or record.get("data")
    if name is None:
        raise UsageError(f"evaluate: {path} has no {run_folder.RUN} beside it; say with --data what to test it on")
    if options.threads is not None:
        linnet.set_num_threads(options.threads)
    model = linnet.saving.load_model(path)
    recipe = RECIPES.get(record.get("recipe", ""))
    if recipe is not None and not isinstance(recipe, ImageRecipe):
        if options.confusion is not None:
            raise UsageError(f"evaluate: --confusion is for classifiers of images, not for {recipe.name}")
        _check_data(recipe, name)
        figures = recipe.score(model, recipe.load(name, options.data_dir), options.batch_size)
        print(f"{path} on {name}: test {results_text(figures)}")
        return
    data = _load(model, name, recipe, options.data_dir)
    scores = np.asarray(model.predict(data.x_test, batch_size=options.batch_size, verbose=0))
    if scores.ndim != 2 or scores.shape[1] < len(data.classes):
        raise CommandError(f"{path}: outputs of shape {scores.shape} are not scores of {len(data.classes)} classes")

    share = probabilities(scores)
    rows = np.arange(len(share))
    wrong = int(np.sum(share.argmax(axis=1) != data.y_test))
    loss = float(-np.log(np.maximum(share[rows, data.y_test], 1e-30)).mean())
    print(f"{path} on {name}: test accuracy {100 * (1 - wrong / len(rows)):.2f} % "
          f"({wrong:,} of {len(rows):,} wrong), cross entropy {loss:.4f}")  # fmt: skip
    if options.confusion is not None:
        from linnet.viz import plot_confusion

        plot_confusion(data.y_test, share, options.confusion, classes=data.classes)
        print(f"wrote {options.confusion}")


def _check_data(recipe: Recipe, name: str) -> None:
    if name not in recipe.defaults:
        raise UsageError(f"evaluate: {recipe.name} is for {', '.join(recipe.defaults)}, not for {name}")


def _load(model: Any, name: str, recipe: Recipe | None, data_dir: str | None) -> Data:
    """The data set as the model's recipe prepares it; without a recipe, as images of the model's input size."""
    if recipe is not None and name in recipe.defaults:
        return recipe.load(name, data_dir)
    if name not in DATASETS:
        raise CommandError(f"{name} is not a data set of small grey images; those are {', '.join(DATASETS)}")
    shape = tuple(model.input_shape)
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 1:
        raise CommandError(f"the model's input {shape} does not take small grey images (n, size, size, 1)")
    data = load_images(name, data_dir, size=shape[1])
    if data.x_test.shape[1:] != shape[1:]:
        raise CommandError(f"the model's input is {shape}, the images of {name} are {data.x_test.shape[1:]}")
    return data
