"""Random graphs: whatever is fused, placed and differentiated must agree with the plainest run of the same graph.

Every graph is a few dozen random nodes (pointwise with broadcasting, products, reductions, reshapes, transposes,
slices, concatenations, convolutions and pools) over a pool of values that are read again and again, with gradients,
optimizer steps and assignments in between. The oracle is "nofuse,noplan,reference": one launch per operation, a buffer
for every value, naive kernels. What the plain run computes is right when the operations are; those have tests of their
own.

Values stay near 1 by construction (every node is squashed when it could grow), so that one tolerance fits all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from engine.check_op import add_sgd

from linnet import _engine as E

Shape = tuple[int, ...]
CAPACITY = 3

UNARY = ["tanh", "sigmoid", "relu", "negative", "absolute", "square", "sin", "cos", "softplus", "erf", "copy", "sign"]
BINARY = ["add", "subtract", "multiply", "maximum", "minimum", "greater", "less_equal", "relu_grad"]
BOUNDED = {"tanh", "sigmoid", "relu", "negative", "absolute", "sin", "cos", "erf", "copy", "sign", "maximum", "minimum"}


class RandomGraph:
    """A graph grown node by node from a seed; the same seed grows the same graph."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = E.Graph()
        self.inputs: list[Shape] = []
        self.pool: list[int] = []
        self.variables: list[tuple[int, Shape]] = []
        self.written: set[int] = set()

    def pick(self, options: Sequence[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def shape(self, value: int) -> Shape:
        return tuple(self.graph.shape(value))

    def add(self, op: str, inputs: Sequence[int], **attributes: Any) -> int:
        return self.graph.add(op, list(inputs), attributes, f"layer_{len(self.pool)}")[0]

    def input(self, shape: Shape) -> None:
        self.inputs.append(shape)
        self.pool.append(self.graph.input(f"x{len(self.inputs)}", shape, "float32"))

    def variable(self, shape: Shape) -> int:
        value = self.graph.variable(f"v{len(self.variables)}", shape)
        self.variables.append((value, shape))
        return value

    # Recent values are read more often (chains), old ones now and then (long lives).
    def value(self) -> int:
        if self.rng.random() < 0.3:
            return self.pick(self.pool)
        return self.pool[-min(int(self.rng.geometric(0.3)), len(self.pool))]

    def partner(self, shape: Shape) -> int:
        """A value that broadcasts with the shape: another one, a constant, or one made for it."""
        fitting = [v for v in self.pool if broadcast(self.shape(v), shape) is not None]
        kind = self.rng.random()
        if fitting and kind < 0.75:
            return self.pick(fitting[-8:])
        if kind < 0.85:
            return self.graph.constant(np.float32(self.rng.normal()))
        size = shape[-1:] if shape and shape[-1] > 0 else ()
        return self.graph.constant(self.rng.normal(size=size).astype(np.float32))

    def seen(self, value: int) -> int:
        """Now and then others may read what lies inside a chain, so that it must not vanish into an epilogue."""
        if self.rng.random() < 0.2:
            self.pool.append(self.squash(value))
        return value

    def bias(self, units: int) -> int:
        """A bias; now and then one that is written just before it is read."""
        variable = self.variable((units,))
        if self.rng.random() < 0.15:
            self.written.add(variable)
            self.graph.assign(variable, self.graph.constant(self.rng.normal(size=units).astype(np.float32)))
        return variable

    def squash(self, value: int) -> int:
        return self.add("tanh", [value])

    def grow(self) -> None:
        node = getattr(self, "grow_" + self.pick(KINDS))()
        if node is not None:
            self.pool.append(node)

    def grow_unary(self) -> int:
        op = self.pick(UNARY)
        node = self.add(op, [self.value()])
        return node if op in BOUNDED else self.squash(node)

    def grow_binary(self) -> int:
        a = self.value()
        b = self.partner(self.shape(a))
        op = self.pick(BINARY)
        node = self.add(op, [b, a] if self.rng.random() < 0.5 else [a, b])
        return node if op in BOUNDED or self.rng.random() < 0.6 else self.squash(node)

    def grow_where(self) -> int:
        a = self.value()
        b = self.partner(self.shape(a))
        return self.add("where", [self.partner(broadcast(self.shape(a), self.shape(b))), a, b])

    def grow_dropout(self) -> int:
        return self.add("dropout", [self.value()], rate=0.25, stream=len(self.pool))

    def grow_stop(self) -> int:
        x = self.value()
        stopped = self.add("stop_gradient", [x])
        return self.add(self.pick(["multiply", "add"]), [x, stopped]) if self.rng.random() < 0.3 else stopped

    def grow_dense(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        if len(shape) < 2 or shape[-1] < 1:
            return None
        units = int(self.rng.integers(1, 9))
        y = self.seen(self.add("matmul", [x, self.variable((shape[-1], units))]))
        if self.rng.random() < 0.7:
            y = self.seen(self.add("add", [y, self.bias(units)]))
        if self.rng.random() < 0.4:
            same = [v for v in self.pool if self.shape(v) == self.shape(y)]
            y = self.add("add", [y, self.pick(same)]) if same else y
        return self.add(self.pick(["relu", "tanh", "sigmoid"]), [y]) if self.rng.random() < 0.7 else self.squash(y)

    def grow_gram(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        if len(shape) < 2 or min(shape[1:]) < 1:
            return None
        pair = [x, self.pick([v for v in self.pool if self.shape(v) == shape])]
        if len(shape) == 2:  # the batch is the inner size
            return self.squash(self.add("matmul", pair, trans_a=True))
        return self.squash(self.add("matmul", pair, trans_b=True))

    def grow_conv(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        if len(shape) != 4 or min(shape[1:]) < 1:
            return None
        filters = int(self.rng.integers(1, 5))
        y = self.add("conv2d", [x, self.variable((2, 2, shape[3], filters))], padding=[1, 0, 0, 1])
        y = self.seen(y)
        if self.rng.random() < 0.7:
            y = self.seen(self.add("add", [y, self.bias(filters)]))
        return self.add("relu", [y]) if self.rng.random() < 0.5 else self.squash(y)

    def grow_pool(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        if len(shape) != 4 or min(shape[1:3]) < 2 or shape[3] < 0:
            return None
        return self.add(self.pick(["max_pool2d", "average_pool2d"]), [x], pool=[2, 2], strides=[2, 1])

    def grow_norm(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        if len(shape) < 2 or shape[-1] < 1:
            return None
        gamma, beta = self.variable(shape[-1:]), self.variable(shape[-1:])
        y, mean, _ = self.graph.add("batch_norm", [x, gamma, beta], {"epsilon": 0.1}, "norm")
        moving = self.variable(shape[-1:])
        self.written.add(moving)
        half = self.graph.constant(np.float32(0.5))
        self.graph.assign(moving, self.add("multiply", [half, self.add("add", [moving, mean])]))
        return self.squash(y)

    def grow_reduce(self) -> int | None:
        x = self.value()
        rank = len(self.shape(x))
        if rank == 0:
            return None
        first = int(self.rng.integers(rank))
        last = int(self.rng.integers(first, rank))
        op = self.pick(["sum", "mean", "max", "min"])
        y = self.add(op, [x], axes=list(range(first, last + 1)), keepdims=bool(self.rng.integers(2)))
        return self.squash(y)

    def grow_softmax(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        return self.add("softmax", [x]) if shape and shape[-1] > 0 else None

    def grow_reshape(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        if len(shape) < 2:
            return self.add("reshape", [x], shape=[1, *shape])
        if self.rng.random() < 0.2:
            return self.add("reshape", [x], shape=list(shape))
        merged = shape[0] * shape[1] if shape[0] > 0 or shape[1] > 0 else None
        return self.add("reshape", [x], shape=[merged, *shape[2:]]) if merged is not None else None

    def grow_transpose(self) -> int:
        x = self.value()
        return self.add("transpose", [x], axes=[int(a) for a in self.rng.permutation(len(self.shape(x)))])

    def grow_slice(self) -> int:
        x = self.value()
        shape = self.shape(x)
        begin = [int(self.rng.integers(d)) if d > 0 else 0 for d in shape]
        return self.add("slice", [x], begin=begin, end=list(shape), step=[1] * len(shape))

    def grow_concatenate(self) -> int | None:
        x = self.value()
        shape = self.shape(x)
        axes = [i for i, d in enumerate(shape) if d >= 0]
        if not axes:
            return None
        same = [v for v in self.pool if self.shape(v) == shape]
        return self.add("concatenate", [x, self.pick(same), x], axis=self.pick(axes))

    def grow_assign(self) -> None:
        """A variable that takes a value, between reads of it and after."""
        fitting = [v for v in self.pool if all(d >= 0 for d in self.shape(v))]
        if not fitting:
            return
        value = self.pick(fitting)
        variable = self.variable(self.shape(value))
        self.written.add(variable)
        before = self.squash(self.add("add", [variable, value]))
        self.pool.append(before)
        self.graph.assign(variable, value if self.rng.random() < 0.5 else before)
        self.pool.append(self.squash(self.add("multiply", [variable, value])))

    def finish(self) -> list[int]:
        """A loss over several values, its gradients, an optimizer step each; returns what to look at."""
        loss = self.graph.constant(np.float32(0.0))
        for value in {self.pool[-1], *(self.pick(self.pool) for _ in range(3))}:
            rank = len(self.shape(value))
            mean = self.add("mean", [value], axes=list(range(rank))) if rank else value
            loss = self.add("add", [loss, mean])
        targets = [v for v, _ in self.variables if v not in self.written] + self.pool[:2]
        gradients = self.graph.gradients(loss, targets)
        found = [g for g in gradients if g >= 0]
        outputs = [loss, *found, *{self.pick(self.pool) for _ in range(4)}]
        trained = [(v, g) for v, g in zip(targets, gradients, strict=True) if g >= 0 and v not in self.pool[:2]]
        if trained and self.rng.random() < 0.5:
            sizes = [int(np.prod(self.shape(g))) for _, g in trained]
            offsets = [int(o) for o in np.concatenate([[0], np.cumsum([s + 3 for s in sizes])[:-1]])]
            size = offsets[-1] + sizes[-1] + 5
            outputs.append(self.add("pack", [g for _, g in trained], offsets=offsets, size=size))
        for variable, gradient in trained:
            self.written.add(variable)
            add_sgd(self.graph, variable, gradient, 0.1)
        return outputs


KINDS = (
    ["unary"] * 4 + ["binary"] * 6 + ["dense"] * 3 + ["reduce", "reshape", "stop"] * 2 + ["where", "dropout"]
    + ["gram", "conv", "conv", "pool", "norm", "softmax", "transpose", "slice", "concatenate", "assign"]
)  # fmt: skip


def broadcast(a: Shape, b: Shape) -> Shape | None:
    """The common shape; None where there is none, or one with two batch axes (which few operations take)."""
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b, strict=True)):
        return None
    shape = tuple(y if x == 1 else x for x, y in zip(a, b, strict=True))
    return shape if sum(d < 0 for d in shape) < 2 else None


def run(random: RandomGraph, outputs: list[int], debug: str, n: int, seed: int) -> list[np.ndarray]:
    """Two steps from the same start: outputs of both, and every variable at the end."""
    rng = np.random.default_rng(seed)
    executable = E.Executable(random.graph, outputs, CAPACITY, debug)
    arrays = []
    for variable, shape in random.variables:
        arrays.append(np.asarray(rng.normal(size=shape) * 0.7, np.float32))
        executable.bind_variable(variable, arrays[-1])
    inputs = [rng.normal(size=[n * -d if d < 0 else d for d in shape]).astype(np.float32) for shape in random.inputs]
    first = executable.run(n, inputs, seed=seed, step=0)
    return first + executable.run(n, inputs, seed=seed, step=1) + arrays


def grown(seed: int) -> tuple[RandomGraph, list[int]]:
    random = RandomGraph(seed)
    for shape in ((-1, 4, 4, 2), (-1, 6), (6,))[: 1 + seed % 3]:
        random.input(shape)
    for _ in range(8 + seed % 25):
        random.grow()
    return random, random.finish()


@pytest.mark.parametrize("seed", range(200))
def test_random_graph(seed: int) -> None:
    random, outputs = grown(seed)
    n = 1 + seed % CAPACITY
    with np.errstate(all="ignore"):
        expected = run(random, outputs, "nofuse,noplan,reference", n, seed)
        assert all(np.isfinite(e).all() for e in expected)
        planned = run(random, outputs, "", n, seed)
        for debug in ("", "nofuse", "noplan", "reference"):
            for i, (got, want) in enumerate(zip(run(random, outputs, debug, n, seed), expected, strict=True)):
                scale = max(1.0, float(np.abs(want).max(initial=0.0)))
                np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * scale, err_msg=f"{debug or 'default'} {i}")
    for got, want in zip(run(random, outputs, "noplan", n, seed), planned, strict=True):
        np.testing.assert_array_equal(got, want, err_msg="the place of a buffer changed a result")
