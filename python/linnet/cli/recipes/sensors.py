"""What did the sensor see? A GRU that reads a noisy signal and names its shape: many-to-one.

The signals are those of N. Saito (Local feature extraction and its applications, PhD thesis, Yale 1994, section 4.5):
128 steps of noise, in which at a random place and for a random time the level rises and stays (cylinder), climbs slowly
and falls at once (bell), or jumps and falls slowly (funnel). They are drawn, so that any number of them is at hand; the
test signals are drawn from another seed. The baseline is the class of the nearest mean signal.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe

CLASSES = ("cylinder", "bell", "funnel")
STEPS = 128
TRAIN, TEST = 1_200, 3_000


class Sensors(Recipe):
    name = "sensors"
    title = "GRU"
    description = "The shape of an event in a noisy signal"
    defaults: Mapping[str, Defaults] = {
        "cylinder_bell_funnel": Defaults(
            epochs=20, batch_size=32, learning_rate=5e-3, clipnorm=1.0, model={"units": 32}
        )
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        x, y = signals(TRAIN, seed=0)
        x_test, y_test = signals(TEST, seed=1)
        return Data(
            x_train=x,
            y_train=y,
            x_test=x_test,
            y_test=y_test,
            classes=CLASSES,
            text=f"{TRAIN:,} training and {TEST:,} test signals of {STEPS} steps",
        )

    def build(self, data: Data, units: int) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        return linnet.Sequential(
            [
                linnet.Input((STEPS, 1)),
                layers.Rescaling(1 / 6, name="scale"),  # the height of an event
                layers.GRU(units, name="gru"),
                layers.Dense(len(CLASSES), name="output"),
            ],
            name="sensors",
        )

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[Any]:
        return ["accuracy"]

    def baseline(self, data: Data) -> str:
        means = np.stack([data.x_train[data.y_train == i].mean(axis=0) for i in range(len(CLASSES))])
        distances = np.square(data.x_test[:, None] - means).sum(axis=(2, 3))
        return f"the nearest mean signal: accuracy {100 * (distances.argmin(axis=1) == data.y_test).mean():.2f} %"


def signals(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 128, 1): signals; y (n,): 0 cylinder, 1 bell, 2 funnel, in equal parts."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(n) % len(CLASSES)).astype(np.int32)
    begin = random.integers(16, 33, (n, 1))
    length = random.integers(32, 97, (n, 1))
    height = 6 + random.standard_normal((n, 1))
    place = (np.arange(STEPS) - begin) / length  # 0 where the event begins, 1 where it ends
    shape = np.choose(y[:, None], [np.ones_like(place), place, 1 - place])
    event = np.where((place >= 0) & (place <= 1), height * shape, 0)
    return (event + random.standard_normal((n, STEPS))).astype(np.float32)[..., None], y


RECIPE = Sensors()
