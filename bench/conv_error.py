"""Relative error of convolutions against float64: linnet's two settings and, where installed, torch.

    python bench/conv_error.py

Prints ||y - exact|| / ||exact|| of the forward pass and of both gradients, for standard normal data, as the rows of the
table in docs/performance.md. LINNET_ISA chooses another instruction set.
"""

from __future__ import annotations

import numpy as np

from linnet import _engine, config

# n, height and width, input and output channels of 3x3 layers with padding 1.
SHAPES = [
    (4, 32, 16, 16),
    (4, 16, 32, 32),
    (4, 8, 64, 64),
    (1, 224, 64, 64),
    (2, 28, 128, 128),
    (1, 56, 256, 256),
    (2, 14, 512, 512),
]
GEOMETRY = {"padding": [1, 1, 1, 1]}


def exact(x: np.ndarray, kernel: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
    n, size, _, c = x.shape
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    k, d = kernel.astype(np.float64), dy.astype(np.float64)
    y, dx, dk = np.zeros(d.shape), np.zeros(padded.shape), np.zeros(k.shape)
    for i in range(3):
        for j in range(3):
            window = (slice(None), slice(i, i + size), slice(j, j + size))
            y += padded[window] @ k[i, j]
            dx[window] += d @ k[i, j].T
            dk[i, j] = padded[window].reshape(-1, c).T @ d.reshape(n * size * size, -1)
    return [y, dx[:, 1:-1, 1:-1], dk]


def by_linnet(setting: str, x: np.ndarray, kernel: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
    config.set_conv_algorithm(setting)
    graph = _engine.Graph()
    arrays = [x, kernel, dy]
    xi, ki, di = (
        graph.input(name, array.shape, "float32") for name, array in zip(("x", "kernel", "dy"), arrays, strict=True)
    )
    outputs = graph.add("conv2d", [xi, ki], GEOMETRY)
    outputs += graph.add("conv2d_grad_input", [di, ki], GEOMETRY | {"shape": list(x.shape)})
    outputs += graph.add("conv2d_grad_weight", [xi, di], GEOMETRY | {"shape": list(kernel.shape)})
    return _engine.Executable(graph, outputs, 1).run(1, arrays)


def by_torch(x: np.ndarray, kernel: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
    import torch

    image, gradient = (torch.from_numpy(a.transpose(0, 3, 1, 2).copy()).requires_grad_() for a in (x, dy))
    weight = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()).requires_grad_()
    y = torch.nn.functional.conv2d(image, weight, padding=1)
    y.backward(gradient.detach())
    nhwc = [t.detach().numpy().transpose(0, 2, 3, 1) for t in (y, image.grad)]
    return [*nhwc, weight.grad.numpy().transpose(2, 3, 1, 0)]


def main() -> None:
    contenders = {"auto": lambda *a: by_linnet("auto", *a), "direct": lambda *a: by_linnet("direct", *a)}
    try:
        import torch  # noqa: F401

        contenders["torch"] = by_torch
    except ImportError:
        pass
    rng = np.random.default_rng(0)
    print("| layer (n × h × w × c → oc) | " + " | ".join(contenders) + " |")
    print("|---" * (len(contenders) + 1) + "|")
    for n, size, c, oc in SHAPES:
        x, dy = (rng.standard_normal((n, size, size, channels), dtype=np.float32) for channels in (c, oc))
        kernel = rng.standard_normal((3, 3, c, oc), dtype=np.float32)
        wanted = exact(x, kernel, dy)
        cells = []
        for contender in contenders.values():
            found = contender(x, kernel, dy)
            errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(found, wanted, strict=True)]
            cells.append(" / ".join(f"{error:.1e}" for error in errors))
        print(f"| {n} × {size} × {size} × {c} → {oc} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
