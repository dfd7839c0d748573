"""One training step (forward, backward, Adam) of the course's networks, against PyTorch.

    python bench/train_step.py --only lenet5 mlp logistic
    python bench/train_step.py --only resnet20 alexnet resnet50 vgg16 --rounds 3 --seconds 2

needs torch beside linnet. PyTorch runs eagerly, with channels-last tensors, and compiled, each with its default Adam
and with `fused=True` (the large networks with the latter only, which is the faster, or their contenders would not fit
into memory together); the best of them all counts. Both sides get the same batch again and again, already in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from interleave import Step, main
from networks import TRAINING, batch, linnet_network, torch_network

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
LARGE = ("alexnet", "resnet50", "vgg16")


def linnet_step(name: str) -> Callable[[], Step]:
    def make() -> Step:
        import linnet

        model = linnet_network(name)
        model.compile(optimizer="adam", loss=linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
        x, y = batch(name)
        return lambda: model.train_on_batch(x, y)

    return make


def torch_step(name: str, mode: str, fused: bool) -> Callable[[], Step]:
    def make() -> Step:
        import torch

        torch.set_num_threads(THREADS)
        model = torch_network(name)
        data, labels = batch(name)
        x, y = torch.from_numpy(data), torch.from_numpy(labels).long()
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2).contiguous()
        if mode == "channels_last":
            model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(model.parameters(), fused=fused)
        loss = torch.nn.CrossEntropyLoss()

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


def row(name: str) -> dict[str, Callable[[], Step]]:
    modes = ["eager", "channels_last", "compile"] if len(TRAINING[name][1]) == 3 else ["eager", "compile"]
    peers = {
        f"torch-{mode}{'-fused' * fused}": torch_step(name, mode, fused)
        for mode in modes
        for fused in (False, True)
        if fused or name not in LARGE
    }
    return {"linnet": linnet_step(name), **peers}


CASES = {name: row(name) for name in TRAINING}

if __name__ == "__main__":
    main(__doc__, CASES)
