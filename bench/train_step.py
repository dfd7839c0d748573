"""One training step (forward, backward, Adam) of the course's small networks, against PyTorch.

    python bench/train_step.py

needs torch beside linnet. PyTorch runs eagerly, with channels-last tensors, and compiled, each with its default Adam
and with `fused=True`; the best of them all counts. Both sides get the same batch again and again, already in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from interleave import Step, main

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def batch(rows: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, *shape), dtype=np.float32), rng.integers(0, 10, rows).astype(np.int32)


def linnet_step(build: str, rows: int, *shape: int) -> Callable[[], Step]:
    def make() -> Step:
        import linnet

        layers = linnet.layers
        body = {
            "lenet5": [
                layers.Conv2D(6, 5, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(16, 5, activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(120, activation="relu"),
                layers.Dense(84, activation="relu"),
                layers.Dense(10),
            ],
            "mlp": [layers.Dense(512, activation="relu"), layers.Dense(10)],
            "logistic": [layers.Dense(10)],
        }[build]
        model = linnet.Sequential([linnet.Input(shape), *body])
        model.compile(optimizer="adam", loss=linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
        x, y = batch(rows, *shape)
        return lambda: model.train_on_batch(x, y)

    return make


def torch_step(build: str, mode: str, fused: bool, rows: int, *shape: int) -> Callable[[], Step]:
    def make() -> Step:
        import torch
        from torch import nn

        torch.set_num_threads(THREADS)
        model = {
            "lenet5": lambda: nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
            ),
            "mlp": lambda: nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)),
            "logistic": lambda: nn.Sequential(nn.Linear(784, 10)),
        }[build]()  # fmt: skip
        data, labels = batch(rows, *shape)
        x, y = torch.from_numpy(data), torch.from_numpy(labels).long()
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2).contiguous()
        if mode == "channels_last":
            model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(model.parameters(), fused=fused)
        loss = nn.CrossEntropyLoss()

        def forward() -> torch.Tensor:
            return loss(model(x), y)

        if mode == "compile":
            forward = torch.compile(forward)

        def step() -> float:
            optimizer.zero_grad()
            value = forward()
            value.backward()
            optimizer.step()
            return value.item()

        return step

    return make


def row(build: str, rows: int, *shape: int) -> dict[str, Callable[[], Step]]:
    modes = ["eager", "channels_last", "compile"] if len(shape) == 3 else ["eager", "compile"]
    peers = {
        f"torch-{mode}{'-fused' * fused}": torch_step(build, mode, fused, rows, *shape)
        for mode in modes
        for fused in (False, True)
    }
    return {"linnet": linnet_step(build, rows, *shape), **peers}


CASES = {
    "lenet5-batch-32": row("lenet5", 32, 28, 28, 1),
    "mlp-784-512-10-batch-128": row("mlp", 128, 784),
    "logistic-784-10-batch-128": row("logistic", 128, 784),
}

if __name__ == "__main__":
    main(__doc__, CASES)
