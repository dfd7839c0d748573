"""Attention and embedding, forward and backward, against torch's.

    python bench/attention.py --only 'mha*'

needs torch beside linnet. A row is one training step without loss and optimizer: the output for a given input, then the
gradients of input and weights for a given gradient of the output.

    mha n x t x d, h heads   MultiHeadAttention(h, d / h) of a sequence with itself; torch.nn.MultiheadAttention, which
                             is scaled_dot_product_attention between two products, and `torch sdpa`, the same written
                             with torch.nn.functional
    ... causal               each step sees only those before
    embedding n x t of v x d a table of v vectors; torch.nn.Embedding with its usual, dense gradient (its sparse one is
                             the gradient of the output itself, of which the optimizer makes what is made here)

Operations counted: the products. The error is that of the output and the input's gradient against float64.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from engine import keep_freed_memory, l2_error, normal
from interleave import Row, Step, Timed, main


def weights_of(d: int) -> list[np.ndarray]:
    """Kernel (in, out) and bias of the projections of query, key, value and of the output."""
    arrays = []
    for i in range(4):
        arrays += [normal(10 + i, d, d) / math.sqrt(d), 0.1 * normal(20 + i, d)]
    return arrays


def exact(x: np.ndarray, heads: int, causal: bool) -> np.ndarray:
    n, t, d = x.shape
    w = [a.astype(np.float64) for a in weights_of(d)]
    split = lambda y: y.reshape(n, t, heads, d // heads).transpose(0, 2, 1, 3)  # noqa: E731
    q, k, v = (split(x.astype(np.float64) @ w[2 * i] + w[2 * i + 1]) for i in range(3))
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(d // heads)
    if causal:
        scores = np.where(np.tril(np.ones((t, t), bool)), scores, -np.inf)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    y = (scores / scores.sum(-1, keepdims=True)) @ v
    return y.transpose(0, 2, 1, 3).reshape(n, t, d) @ w[6] + w[7]


def linnet_step(layer, arrays: list[np.ndarray], call, dy: np.ndarray) -> tuple[Step, Callable[[int], np.ndarray]]:
    """A step that computes the output, then the gradients of float inputs and of weights, and what reads its results.
    Arrays are variables, so that no copy goes in or comes out."""
    import linnet
    from linnet import _engine, ops
    from linnet.backend.trace import Trace

    variables = [linnet.Variable(a, dtype=str(a.dtype)) for a in arrays]
    given = linnet.Variable(dy)
    trace = Trace(training=True)
    with trace:
        inputs = [trace.read(v) for v in variables]
        y = call(*inputs)
        targets = [x for x in inputs if x.dtype == "float32"] + [trace.read(w) for w in layer.weights]
        gradients = trace.gradients(ops.sum(y * trace.read(given)), targets)
    executable = _engine.Executable(trace.graph, [result.value for result in (y, *gradients)], 1)
    for variable, value in trace.variables().values():
        executable.bind_variable(value, variable._array)
    return functools.partial(executable.run_rows, None, 0, 1), executable.output


def mha_linnet(n: int, t: int, d: int, heads: int, causal: bool) -> Timed:
    import linnet

    x, dy = normal(1, n, t, d), normal(2, n, t, d)
    layer = linnet.layers.MultiHeadAttention(heads, d // heads)
    layer.build((None, t, d), (None, t, d))
    shaped = [w.reshape(v.shape) for w, v in zip(weights_of(d), layer.weights, strict=True)]
    layer.set_weights(shaped)
    step, result = linnet_step(layer, [x], lambda s: layer(s, s, use_causal_mask=causal), dy)
    return Timed(step, lambda: l2_error(result(0), exact(x, heads, causal)))


def mha_torch(n: int, t: int, d: int, heads: int, causal: bool, module: bool) -> Timed:
    import torch
    from torch.nn import functional as F

    x, dy = torch.from_numpy(normal(1, n, t, d)).requires_grad_(), torch.from_numpy(normal(2, n, t, d))
    w = [torch.from_numpy(a) for a in weights_of(d)]
    packed = torch.cat([w[0].T, w[2].T, w[4].T]).contiguous(), torch.cat([w[1], w[3], w[5]])
    last = w[6].T.contiguous(), w[7].clone()
    mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1) if causal else None
    if module:
        layer = torch.nn.MultiheadAttention(d, heads, batch_first=True)
        with torch.no_grad():
            layer.in_proj_weight.copy_(packed[0])
            layer.in_proj_bias.copy_(packed[1])
            layer.out_proj.weight.copy_(last[0])
            layer.out_proj.bias.copy_(last[1])
        parameters = list(layer.parameters())
        call = lambda: layer(x, x, x, need_weights=False, attn_mask=mask, is_causal=causal)[0]  # noqa: E731
    else:
        parameters = [p.requires_grad_() for p in (*packed, *last)]

        def call() -> torch.Tensor:
            parts = F.linear(x, packed[0], packed[1]).view(n, t, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(*parts, is_causal=causal)
            return F.linear(y.transpose(1, 2).reshape(n, t, d), *last)

    def step() -> list[torch.Tensor]:
        y = call()
        return [y, *torch.autograd.grad(y, [x, *parameters], dy)]

    return Timed(step, lambda: l2_error(step()[0].detach().numpy(), exact(normal(1, n, t, d), heads, causal)))


def mha(n: int, t: int, d: int, heads: int, causal: bool = False) -> Row:
    shape = n, t, d, heads, causal
    contenders = {
        "linnet": functools.partial(mha_linnet, *shape),
        "torch": functools.partial(mha_torch, *shape, True),
        "torch sdpa": functools.partial(mha_torch, *shape, False),
    }
    products = 4 * 2 * n * t * d * d + 2 * 2 * n * t * t * d
    return Row(contenders, 3 * products, group="multi-head attention")


def embedding_linnet(n: int, t: int, entries: int, d: int) -> Timed:
    import linnet

    layer = linnet.layers.Embedding(entries, d, weights=normal(3, entries, d))
    return Timed(linnet_step(layer, [ids(n, t, entries)], layer, normal(2, n, t, d))[0])


def ids(n: int, t: int, entries: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, entries, (n, t)).astype(np.int32)


def embedding_torch(n: int, t: int, entries: int, d: int) -> Timed:
    import torch

    layer = torch.nn.Embedding(entries, d)
    numbers, dy = torch.from_numpy(ids(n, t, entries)), torch.from_numpy(normal(2, n, t, d))

    def step() -> list[torch.Tensor]:
        y = layer(numbers)
        return [y, *torch.autograd.grad(y, [layer.weight], dy)]

    return Timed(step)


def embedding(n: int, t: int, entries: int, d: int) -> Row:
    shape = n, t, entries, d
    contenders = {
        "linnet": functools.partial(embedding_linnet, *shape),
        "torch": functools.partial(embedding_torch, *shape),
    }
    return Row(contenders, 0, 4 * (4 * n * t * d + entries * d), bound_by_memory=True, group="embedding")


CASES = {
    "mha 32x64x128, 4 heads": mha(32, 64, 128, 4),
    "mha 32x64x128, 4 heads, causal": mha(32, 64, 128, 4, causal=True),
    "mha 8x256x256, 8 heads": mha(8, 256, 256, 8),
    "mha 8x256x256, 8 heads, causal": mha(8, 256, 256, 8, causal=True),
    "mha 31x63x120, 3 heads": mha(31, 63, 120, 3),
    "embedding 64x50 of 5000x64": embedding(64, 50, 5000, 64),
    "embedding 32x64 of 20000x128": embedding(32, 64, 20000, 128),
}

if __name__ == "__main__":
    keep_freed_memory()
    main(__doc__, CASES)
