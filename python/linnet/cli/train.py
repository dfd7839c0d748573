"""`linnet train RECIPE`: load, build, fit, evaluate, and write the folder of the run.

The recipe (cli/recipes) says what to build and its settings for each data set; options on the command line win over
them. Whatever ends the run (the last epoch, Ctrl-C, an error) leaves either a whole folder or none.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from linnet.cli import run_folder
from linnet.cli.errors import UsageError
from linnet.cli.parser import Parser, fraction, positive_float, positive_int, seed_int
from linnet.cli.recipes import RECIPES, Data, Defaults, Recipe
from linnet.cli.recipes.recipe import rows
from linnet.cli.scores import results_text

SCHEDULES = ("cosine", "constant")
# Settings that a recipe has a default for on each data set.
SETTINGS = ("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "validation_split")


def add(commands: Any) -> None:
    text = "Trains a model by a recipe, tests it, and writes it with its history to a folder."
    train = commands.add_parser("train", help="train a model", description=text)
    train.set_defaults(parser=train, run=_no_recipe)
    recipes = train.add_subparsers(title="recipes", metavar="RECIPE", parser_class=Parser)
    for recipe in RECIPES.values():
        parser = recipes.add_parser(
            recipe.name,
            help=recipe.description,
            description=f"{recipe.title}. {recipe.description}.",
            formatter_class=argparse.HelpFormatter,
        )
        parser.set_defaults(parser=parser, recipe=recipe, run=run)
        _add_options(parser, recipe)


def _no_recipe(options: argparse.Namespace) -> None:
    raise UsageError(f"train: expected a recipe: {', '.join(RECIPES)} (see linnet train --help)")


def _add_options(parser: Parser, recipe: Recipe) -> None:
    def default(setting: str) -> str:
        values = {data: getattr(defaults, setting) for data, defaults in recipe.defaults.items()}
        if len(set(values.values())) == 1:
            return f"default: {next(iter(values.values()))}"
        return "default: " + ", ".join(f"{value} on {data}" for data, value in values.items())

    first = next(iter(recipe.defaults))
    option = parser.add_argument
    option("--data", choices=tuple(recipe.defaults), default=first, metavar="DATA",
           help=f"data set: {', '.join(recipe.defaults)} (default: {first})")  # fmt: skip
    option("--data-dir", metavar="DIR", help="read the data set from here instead of downloading it "
           "(default: LINNET_DATA_DIR, else the cache, else a download)")  # fmt: skip
    option("--epochs", type=positive_int, metavar="N", help=f"passes over the training data ({default('epochs')})")
    option("--batch-size", type=positive_int, metavar="N", help=f"samples per step ({default('batch_size')})")
    option("--optimizer", metavar="NAME", help=f"sgd, adam, ... as in Keras ({default('optimizer')})")
    option("--learning-rate", type=positive_float, metavar="RATE",
           help=f"at the start ({default('learning_rate')})")  # fmt: skip
    option("--schedule", choices=SCHEDULES, metavar="SCHEDULE",
           help=f"of the learning rate: cosine falls to 0, or constant ({default('schedule')})")  # fmt: skip
    option("--validation-split", type=fraction, metavar="FRACTION",
           help=f"of the training data, kept for validation ({default('validation_split')})")  # fmt: skip
    option("--samples", type=positive_int, metavar="N",
           help="use at most N samples of each part of the data: a quick trial (default: all)")  # fmt: skip
    option("--seed", type=seed_int, default=0, metavar="N",
           help="the same seed gives the same bits, with any number of threads (default: 0)")  # fmt: skip
    option(
        "--threads",
        type=positive_int,
        metavar="N",
        help="threads to compute with (default: linnet info tells, and why)",
    )
    option("--out", type=Path, metavar="DIR", help=f"folder for the results (default: runs/{recipe.name}-DATA)")
    option("--quiet", action="store_true", help="print the result only")


def run(options: argparse.Namespace) -> int:
    recipe: Recipe = options.recipe
    defaults = recipe.defaults[options.data]
    for setting in SETTINGS:
        if getattr(options, setting) is None:
            setattr(options, setting, getattr(defaults, setting))
    folder = options.out or Path("runs") / f"{recipe.name}-{options.data}"
    run_folder.check(folder)

    import linnet
    from linnet import _engine

    optimizer_class = type(_optimizer(options.optimizer))
    if options.threads is not None:
        linnet.set_num_threads(options.threads)
    linnet.utils.set_random_seed(options.seed)
    say = (lambda *text: None) if options.quiet else print

    data = recipe.load(options.data, options.data_dir)
    if options.samples is not None:
        data = data.first(options.samples)
    say(f"{recipe.title} on {options.data}: {data.text}; {_threads()}, {_engine.isa()}\n")
    model = recipe.build(data, **defaults.model)
    steps = -(-_training_rows(data, options.validation_split) // options.batch_size)
    model.compile(
        optimizer=optimizer_class(_learning_rate(options, steps * options.epochs), global_clipnorm=defaults.clipnorm),
        loss=recipe.loss(),
        metrics=recipe.metrics(),
    )
    if not options.quiet:
        model.summary()
        print()

    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    history = model.fit(
        data.x_train,
        data.y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        **_validation(data, options.validation_split),
        # A bar needs a terminal; a file gets a line per epoch.
        verbose=0 if options.quiet else 1 if sys.stdout.isatty() else 2,
    )
    seconds = time.perf_counter() - start
    # Ctrl-C ends the training after the step, with the weights so far. Without a whole epoch there is nothing to show.
    epochs = len(history.epoch)
    if epochs == 0:
        raise KeyboardInterrupt
    results = recipe.score(model, data, options.batch_size)
    say()
    print(f"test {results_text(results)}, after {_count(epochs, 'epoch')} in {seconds:.1f} s")
    if baseline := recipe.baseline(data):
        print(f"baseline: {baseline}")
    report = recipe.report(model, data, folder)
    for line in report.lines:
        print(line)

    model.save(folder / run_folder.MODEL)
    run_folder.write_history(folder, history.epoch, history.history)
    curves = _plot(history, folder, f"{recipe.title} on {options.data}")
    run_folder.write_run(folder, _record(options, defaults, results, seconds) | {"epochs_completed": epochs})
    vocabularies = run_folder.write_vocabularies(folder, data.vocabularies)
    files = [run_folder.MODEL, run_folder.HISTORY, *curves, *vocabularies, *report.files, run_folder.RUN]
    print(f"wrote {folder}: {', '.join(files)}")
    return 0 if epochs == options.epochs else 130


def _optimizer(name: str) -> Any:
    from linnet import optimizers

    try:
        return optimizers.get(name)
    except ValueError as error:
        raise UsageError(f"--optimizer: {error}") from None


def _learning_rate(options: argparse.Namespace, steps: int) -> Any:
    if options.schedule == "constant":
        return options.learning_rate
    from linnet.optimizers.schedules import CosineDecay

    return CosineDecay(options.learning_rate, decay_steps=steps)


def _training_rows(data: Data, validation_split: float) -> int:
    n = rows(data.x_train)
    # As Keras splits: the first floor(n * (1 - split)) rows train.
    return n if data.validation is not None else int(n * (1 - validation_split))


def _validation(data: Data, validation_split: float) -> dict[str, Any]:
    if data.validation is not None:
        return {"validation_data": data.validation}
    return {"validation_split": validation_split}


def _threads() -> str:
    import linnet

    return _count(linnet.num_threads(), "thread")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def _plot(history: Any, folder: Path, title: str) -> list[str]:
    try:
        from linnet.viz import plot_history

        plot_history(history, folder / run_folder.CURVES, title=title)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        print('no picture of the training curves: it needs matplotlib (pip install "linnet[viz]")', file=sys.stderr)
        return []
    return [run_folder.CURVES]


def _record(
    options: argparse.Namespace, defaults: Defaults, results: dict[str, float], seconds: float
) -> dict[str, Any]:
    import linnet

    return {
        "linnet": linnet.__version__,
        "recipe": options.recipe.name,
        "data": options.data,
        "settings": {name: getattr(options, name) for name in (*SETTINGS, "samples", "seed")}
        | {"model": dict(defaults.model)},
        "test": {name: float(value) for name, value in results.items()},
        "seconds": round(seconds, 3),
    }
