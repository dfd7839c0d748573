"""`linnet predict MODEL INPUT ...`: what a saved classifier sees in an image file or in an array, or what a model of
texts makes of a text.

Which of the two it is, the recipe says that the run's folder names. Of texts the rest is the recipe's (`answer`).

Models of the image recipes have seen light strokes on black, small and grey. An image file is brought into that form:
grey, resized to the model's input, and inverted where its border is light, like ink on paper. A note tells.
Arrays (.npy) are taken as they are, except that uint8 is divided by 255.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from linnet.cli import run_folder
from linnet.cli.errors import CommandError
from linnet.cli.parser import positive_float, positive_int, seed_int
from linnet.cli.recipes import RECIPES
from linnet.cli.recipes.images import DATASETS, dataset
from linnet.cli.recipes.recipe import Sampling
from linnet.cli.scores import probabilities


def add(commands: Any) -> None:
    text = (
        "Classifies image files (PNG, JPEG, ...; needs Pillow) or the rows of a NumPy array (.npy); "
        "models of texts answer texts."
    )
    parser = commands.add_parser("predict", help="classify images, answer texts", description=text)
    parser.set_defaults(parser=parser, run=run)
    option = parser.add_argument
    option("model", type=Path, metavar="MODEL", help="a model file, or the folder of a run")
    option("inputs", nargs="+", metavar="INPUT",
           help="an image file, an array file (h, w), (n, h, w) or (n, h, w, channels), or a text")  # fmt: skip
    option("--top", type=positive_int, default=3, metavar="N", help="show the N likeliest classes (default: 3)")
    option("--temperature", type=positive_float, default=0.8, metavar="T",
           help="for generated text: below 1 likely, above 1 surprising (default: %(default)s)")  # fmt: skip
    option("--length", type=positive_int, default=300, metavar="N",
           help="for generated text: at most N tokens (default: %(default)s)")  # fmt: skip
    option("--seed", type=seed_int, default=0, metavar="N", help="for generated text (default: 0)")


def run(options: argparse.Namespace) -> None:
    import linnet

    path = run_folder.find_model(options.model)
    record = run_folder.read_run(path)
    recipe = RECIPES.get(record.get("recipe", ""))
    if recipe is not None and recipe.takes_texts:
        vocabularies = run_folder.read_vocabularies(path)
        model = linnet.saving.load_model(path)
        for text in options.inputs:
            sampling = Sampling(options.temperature, options.length, options.seed)
            print(recipe.answer(model, vocabularies, text, sampling))
        return
    files = [_exists(Path(name)) for name in options.inputs]
    model = linnet.saving.load_model(path)
    names = _class_names(record.get("data"))
    shape = tuple(model.input_shape)[1:]
    for file in files:
        x = read_array(file, shape) if file.suffix == ".npy" else read_image(file, shape)
        share = probabilities(np.asarray(model.predict(x, verbose=0)).reshape(len(x), -1))
        for row, values in enumerate(share):
            best = np.argsort(-values, kind="stable")[: options.top]
            label = f"{file}[{row}]" if len(x) > 1 else str(file)
            text = ", ".join(f"{names.get(int(i), int(i))} ({100 * values[i]:.1f} %)" for i in best)
            print(f"{label}: {text}")


def _exists(file: Path) -> Path:
    if not file.is_file():
        raise CommandError(f"there is no file {file}")
    return file


def _class_names(data: str | None) -> dict[int, str]:
    return dict(enumerate(dataset(data).CLASSES)) if data in DATASETS else {}


def read_array(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An array file as a batch (n, *shape), float32."""
    try:
        array = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise CommandError(f"{file}: not a NumPy array ({error})") from None
    if array.dtype == np.uint8:
        array = np.divide(array, 255, dtype=np.float32)
    elif array.dtype.kind not in "fiub":
        raise CommandError(f"{file}: expected numbers, got {array.dtype}")
    # A missing channel axis and a missing batch axis are added, nothing else is guessed.
    if shape[-1:] == (1,) and array.shape[-1:] != (1,):
        array = array[..., None]
    if array.ndim == len(shape):
        array = array[None]
    if array.shape[1:] != shape or len(array) == 0:
        raise CommandError(f"{file}: the model takes {('n', *shape)}, the array is {array.shape}".replace("'", ""))
    return np.ascontiguousarray(array, np.float32)


def read_image(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An image file as a batch (1, h, w, 1), float32 from 0 to 1, light on dark."""
    if len(shape) != 3 or shape[2] != 1:
        raise CommandError(f"the model takes inputs {shape}, not grey images; give it a .npy file")
    try:
        from PIL import Image, UnidentifiedImageError
    except ModuleNotFoundError:
        raise CommandError('reading images needs Pillow: pip install "linnet[images]"; .npy files do not') from None
    try:
        with Image.open(file) as image:
            mode = image.mode
            # Transparent parts count as paper.
            if "A" in image.getbands() or "transparency" in image.info:
                paper = Image.new("RGBA", image.size, "white")
                grey = Image.alpha_composite(paper, image.convert("RGBA")).convert("L")
            else:
                grey = image.convert("L")
    except UnidentifiedImageError:
        raise CommandError(f"{file}: not an image that Pillow knows") from None
    notes = [] if mode == "L" else ["made grey"]
    height, width = shape[:2]
    if grey.size != (width, height):
        notes.append(f"resized from {grey.height}x{grey.width} to {height}x{width}")
        grey = grey.resize((width, height), Image.Resampling.BILINEAR)
    x = np.asarray(grey, np.float32) / 255
    border = np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])
    if border.mean() > 0.5:
        notes.append("inverted, since its border is light")
        x = 1 - x
    if notes:
        print(f"{file}: {', '.join(notes)}", file=sys.stderr)
    return x[None, :, :, None]
