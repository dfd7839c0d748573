"""The networks that the benchmarks train and run, in linnet and, layer by layer the same, in PyTorch.

ResNet-50 is the form that PyTorch users run: no biases before a batch normalisation, the stride in the 3x3 convolution.
No network has dropout, so that both sides do the same work. With `copy_weights` both give the same results, which
bench/inference.py checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# name: (batch of a training step, shape of an image or a row of features, classes)
TRAINING = {
    "lenet5": (32, (28, 28, 1), 10),
    "mlp": (128, (784,), 10),
    "logistic": (128, (784,), 10),
    "resnet20": (128, (32, 32, 3), 10),
    "alexnet": (16, (227, 227, 3), 1000),
    "resnet50": (8, (224, 224, 3), 1000),
    "vgg16": (4, (224, 224, 3), 1000),
}


def batch(name: str, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one training step (or `rows` of them)."""
    count, shape, classes = TRAINING[name]
    rng = np.random.default_rng(0)
    rows = count if rows is None else rows
    return rng.standard_normal((rows, *shape), dtype=np.float32), rng.integers(0, classes, rows).astype(np.int32)


def linnet_network(name: str) -> Any:
    """A linnet model that gives logits."""
    import linnet
    from linnet import applications, layers
    from linnet.applications.resnet import resnet

    _, shape, classes = TRAINING[name]
    logits = {"classes": classes, "classifier_activation": None}
    if name == "logistic":
        return linnet.Sequential([linnet.Input(shape), layers.Dense(classes)])
    if name == "mlp":
        return linnet.Sequential([linnet.Input(shape), layers.Dense(512, activation="relu"), layers.Dense(classes)])
    if name == "resnet50":
        return resnet((3, 4, 6, 3), stride_in="3x3", use_bias=False, **logits)
    return {
        "lenet5": applications.LeNet5,
        "resnet20": applications.ResNetCIFAR,
        "alexnet": lambda **given: applications.AlexNet(dropout=0.0, **given),
        "vgg16": applications.VGG16,
    }[name](**logits)


def torch_network(name: str) -> Any:
    """The same network as a torch.nn.Module."""
    import torch
    from torch import nn

    def conv(c: int, oc: int, size: int, stride: int = 1, padding: int = 0) -> list[nn.Module]:
        return [nn.Conv2d(c, oc, size, stride, padding), nn.ReLU(inplace=True)]

    def normalised(c: int, oc: int, size: int, stride: int = 1, relu: bool = True) -> list[nn.Module]:
        module: list[nn.Module] = [nn.Conv2d(c, oc, size, stride, size // 2, bias=False), nn.BatchNorm2d(oc)]
        return [*module, nn.ReLU(inplace=True)] if relu else module

    class Block(nn.Module):
        """relu(shortcut(x) + body(x))"""

        def __init__(self, c: int, oc: int, stride: int, body: list[nn.Module]) -> None:
            super().__init__()
            self.body = nn.Sequential(*body)
            same = stride == 1 and c == oc
            self.shortcut = nn.Identity() if same else nn.Sequential(*normalised(c, oc, 1, stride, relu=False))
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(self.body(x) + self.shortcut(x))

    def basic(c: int, f: int, stride: int) -> Block:
        return Block(c, f, stride, [*normalised(c, f, 3, stride), *normalised(f, f, 3, relu=False)])

    def bottleneck(c: int, f: int, stride: int) -> Block:
        body = [*normalised(c, f, 1), *normalised(f, f, 3, stride), *normalised(f, 4 * f, 1, relu=False)]
        return Block(c, 4 * f, stride, body)

    def residual(stem: list[nn.Module], c: int, block: Any, wider: int, stacks: list[tuple[int, int]]) -> nn.Module:
        body = list(stem)
        for stack, (count, f) in enumerate(stacks):
            for i in range(count):
                body.append(block(c, f, 2 if stack and not i else 1))
                c = wider * f
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, TRAINING[name][2]))

    if name == "logistic":
        return nn.Sequential(nn.Linear(784, 10))
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))
    if name == "lenet5":
        return nn.Sequential(
            *conv(1, 6, 5, padding=2), nn.MaxPool2d(2), *conv(6, 16, 5), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        )  # fmt: skip
    if name == "alexnet":
        return nn.Sequential(
            *conv(3, 96, 11, 4), nn.MaxPool2d(3, 2), *conv(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2),
            *conv(256, 384, 3, 1, 1), *conv(384, 384, 3, 1, 1), *conv(384, 256, 3, 1, 1), nn.MaxPool2d(3, 2),
            nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, 1000),
        )  # fmt: skip
    if name == "vgg16":
        body, c = [], 3
        for count, f in zip((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), strict=True):
            for _ in range(count):
                body += conv(c, f, 3, 1, 1)
                c = f
            body.append(nn.MaxPool2d(2))
        body += [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(inplace=True)]
        return nn.Sequential(*body, nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000))
    if name == "resnet20":
        return residual(normalised(3, 16, 3), 16, basic, 1, [(3, 16), (3, 32), (3, 64)])
    stem = [*normalised(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    return residual(stem, 64, bottleneck, 4, [(3, 64), (4, 128), (6, 256), (3, 512)])


def copy_weights(model: Any, network: Any) -> None:
    """Gives the torch network the weights of the linnet model (of the same name)."""
    import torch
    from torch import nn

    def place(layer: Any) -> tuple[str, bool]:
        """A block's shortcut (conv3_block1_0_conv) is the last part of torch's block."""
        parts = layer.name.split("_")
        return "_".join(parts[:2]) if "block" in layer.name and len(parts) > 2 else layer.name, "_0_" in layer.name

    layers = [layer for layer in model.layers if layer.weights]
    first = {place(layer)[0]: i for i, layer in reversed(list(enumerate(layers)))}
    layers.sort(key=lambda layer: (first[place(layer)[0]], place(layer)[1]))
    flat = [layer for layer in model.layers if layer.__class__.__name__ == "Flatten"]
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
    for layer, module in zip(layers, modules, strict=True):
        weights = [torch.from_numpy(weight.numpy()) for weight in layer.weights]
        targets = [module.weight, module.bias]
        if isinstance(module, nn.Conv2d):
            weights[0] = weights[0].permute(3, 2, 0, 1)
        elif isinstance(module, nn.Linear):
            if flat:  # torch flattens (channels, height, width)
                h, w, c = flat.pop().input.shape[1:]
                weights[0] = weights[0].reshape(h, w, c, -1).permute(2, 0, 1, 3).flatten(0, 2)
            weights[0] = weights[0].T
        else:
            module.eps = layer.epsilon
            targets += [module.running_mean, module.running_var]
        with torch.no_grad():
            for target, weight in zip(targets, weights, strict=False):
                target.copy_(weight)


def random_weights(model: Any) -> None:
    """Weights as after training: also the biases, and what a batch normalisation has learnt, differ from 0 and 1."""
    rng = np.random.default_rng(2)
    for weight in model.weights:
        if weight.ndim == 1:
            weight.assign(rng.uniform(0.5, 1.0, weight.shape).astype(np.float32))
