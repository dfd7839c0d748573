"""check_op: one operation against a NumPy oracle in float64, in every way the engine can run it.

A `Case` names the operation, its arguments (a symbolic shape and how to draw numbers), its attributes and the oracle.
`check_op` then holds, on every instruction set of this machine and for 0, 1 and 3 rows where a shape is batched:

    forward      equals the oracle
    gradient     of sum(output * R), R random, equals central differences of the oracle at random elements
    fused        equals one launch per operation within rounding; a plan equals a buffer for every value bit by bit
    threads      1 and 3 give the same bits
    batch        a row computed alone has the bits it has among others (cases with `rowwise`)

An operation for which `differentiable` is false must not pass a gradient on. `covers` names internal operations that
the gradient is made of; they must be there, and test_registry.py counts them as checked.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from linnet import _engine as E

Shape = tuple[int, ...]
ROWS = (0, 1, 3)


@dataclass(frozen=True)
class Arg:
    """An input of an operation: its symbolic shape (-k = k rows per sample) and the numbers in it."""

    shape: Shape
    draw: Callable[[np.random.Generator, Shape], np.ndarray]
    dtype: str = "float32"


def sized(shape: Shape, n: int) -> Shape:
    return tuple(-d * n if d < 0 else d for d in shape)


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> Arg:
    return Arg(shape, lambda rng, s: rng.uniform(low, high, s))


def normal(*shape: int) -> Arg:
    return Arg(shape, lambda rng, s: rng.normal(size=s))


def choice(*shape: int, values: tuple[float, ...]) -> Arg:
    """Numbers out of a few: ties, zeros, signed zeros."""
    return Arg(shape, lambda rng, s: rng.choice(np.array(values), s))


def integers(*shape: int, below: int) -> Arg:
    return Arg(shape, lambda rng, s: rng.integers(0, below, s), "int32")


@dataclass(frozen=True)
class Case:
    op: str
    args: tuple[Arg, ...]
    oracle: Callable[..., Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    differentiable: bool = True
    wrt: tuple[int, ...] | None = None  # float inputs whose gradient is checked; None: all
    rowwise: bool = False
    rtol: float = 1e-5
    grad_rtol: float = 1e-4
    covers: tuple[str, ...] = ()
    with_n: bool = False  # the oracle takes the number of rows first
    empty: bool = True  # whether 0 rows have a value

    def __str__(self) -> str:
        shapes = "_".join("x".join(str(d) for d in arg.shape) or "scalar" for arg in self.args)
        return "-".join(filter(None, (self.op, self.name, shapes)))


@contextmanager
def restored() -> Iterator[None]:
    """Leaves the instruction set and the number of threads as they were."""
    isa, threads = E.isa(), E.num_threads()
    try:
        yield
    finally:
        E.set_isa(isa)
        E.set_num_threads(threads)


def total(graph: E.Graph, value: int) -> int:
    """The sum of all elements, axis by axis: two axes that both carry the batch cannot be reduced at once."""
    while graph.shape(value):
        value = graph.add("sum", [value], {"axes": [0]})[0]
    return value


def outputs_of(result: Any) -> list[np.ndarray]:
    return [np.asarray(r, np.float64) for r in (result if isinstance(result, tuple) else (result,))]


class Check:
    """The graph of a case: inputs, the operation, weights R for its first output, and the gradients."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.graph = E.Graph()
        values = [self.graph.input(f"x{i}", arg.shape, arg.dtype) for i, arg in enumerate(case.args)]
        self.results = [
            value
            for value in self.graph.add(case.op, values, case.attributes, "checked")
            if self.graph.dtype(value) != "uint8"
        ]
        self.shapes = [tuple(self.graph.shape(value)) for value in self.results]
        self.is_float = self.graph.dtype(self.results[0]) == "float32"
        self.floats = [i for i, arg in enumerate(case.args) if arg.dtype == "float32"]
        self.targets = list(self.floats if case.wrt is None else case.wrt)
        self.gradients: list[int] = []
        if self.is_float:
            self.weights = self.graph.input("weights", self.shapes[0], "float32")
            weighted = self.graph.add("multiply", [self.results[0], self.weights], {})[0]
            self.gradients = self.graph.gradients(total(self.graph, weighted), [values[i] for i in self.targets])

    def numbers(self, n: int) -> list[np.ndarray]:
        rng = np.random.default_rng([zlib.crc32(str(self.case).encode()), n])
        arrays = [arg.draw(rng, sized(arg.shape, n)) for arg in self.case.args]
        if self.is_float:
            arrays.append(rng.normal(size=sized(self.shapes[0], n)))
        types = [arg.dtype for arg in self.case.args] + ["float32"]
        return [np.ascontiguousarray(a, t).reshape(np.shape(a)) for a, t in zip(arrays, types, strict=False)]

    def oracle(self, n: int, arrays: list[np.ndarray]) -> list[np.ndarray]:
        arguments = [a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays]
        with np.errstate(all="ignore"):
            return outputs_of(self.case.oracle(*((n,) if self.case.with_n else ()), *arguments[: len(self.case.args)]))

    def run(self, n: int, arrays: list[np.ndarray], debug: str = "") -> list[np.ndarray]:
        wanted = self.results + [g for g in self.gradients if g >= 0]
        return E.Executable(self.graph, wanted, max(ROWS), debug).run(n, arrays, seed=7, step=11)


def assert_close(got: np.ndarray, want: np.ndarray, rtol: float, what: str) -> None:
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    finite = np.abs(want[np.isfinite(want)])
    scale = max(1e-3, float(finite.max(initial=0.0)))
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * scale, err_msg=what)


def check_differences(check: Check, n: int, arrays: list[np.ndarray], gradients: list[np.ndarray], what: str) -> None:
    """Central differences of sum(oracle * R) at up to 10 random elements of every differentiable input."""
    rng = np.random.default_rng(n)
    exact = [a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays]
    weights, inputs = exact[-1], exact[:-1]

    def loss() -> float:
        with np.errstate(all="ignore"):
            result = check.case.oracle(*((n,) if check.case.with_n else ()), *inputs)
        return float(np.sum(outputs_of(result)[0] * weights))

    for position, gradient in zip(check.targets, gradients, strict=True):
        flat = inputs[position].reshape(-1)
        assert gradient.shape == inputs[position].shape, f"{what}: gradient {position} has shape {gradient.shape}"
        elements = rng.choice(flat.size, min(10, flat.size), replace=False) if flat.size else []
        for element in elements:
            kept, step = flat[element], 1e-5
            flat[element] = kept + step
            above = loss()
            flat[element] = kept - step
            below = loss()
            flat[element] = kept
            expected = (above - below) / (2 * step)
            bound = check.case.grad_rtol * max(1.0, abs(expected), float(np.abs(gradient).max()))
            got = float(gradient.reshape(-1)[element])
            assert abs(got - expected) <= bound, f"{what}: input {position} [{element}]: {got}, expected {expected}"


def check_op(case: Case) -> None:
    check = Check(case)
    if not case.differentiable:
        assert all(g < 0 for g in check.gradients), f"{case.op} passes a gradient on, but has none"
    elif check.is_float:
        assert all(g >= 0 for g in check.gradients), f"{case.op}: no gradient for inputs {check.targets}"
    missing = [op for op in case.covers if f" {op}(" not in check.graph.dump()]
    assert not missing, f"the gradient of {case.op} does not use {missing}"

    batched = any(d < 0 for shape in (*check.shapes, *(arg.shape for arg in case.args)) for d in shape)
    for n in ROWS if batched else (1,):
        if n == 0 and not case.empty:
            continue
        arrays = check.numbers(n)
        expected = check.oracle(n, arrays)
        with restored():
            for isa in E.available_isas():
                E.set_isa(isa)
                check_run(check, n, arrays, expected, f"{case} on {isa}, n = {n}")


def check_run(check: Check, n: int, arrays: list[np.ndarray], expected: list[np.ndarray], what: str) -> None:
    case = check.case
    E.set_num_threads(1)
    got = check.run(n, arrays)
    results, gradients = got[: len(check.results)], got[len(check.results) :]
    for i, want in enumerate(expected):
        assert_close(results[i], want, case.rtol, f"{what}, output {i}")
    if gradients:
        check_differences(check, n, arrays, gradients, what)
    for other in check.run(n, arrays, "nofuse"), check.run(n, arrays, "reference"):
        for a, b in zip(got, other, strict=True):
            assert_close(b, a.astype(np.float64), max(case.rtol, 2e-5), f"{what}, unfused or naive")
    for a, b in zip(got, check.run(n, arrays, "noplan"), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=f"{what}: planning changed the result")
    if case.rowwise and n > 1:
        check_rows(check, n, arrays, results, what)
    E.set_num_threads(3)
    for a, b in zip(got, check.run(n, arrays), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=f"{what}: 3 threads changed the result")


def check_rows(check: Check, n: int, arrays: list[np.ndarray], results: list[np.ndarray], what: str) -> None:
    """The last sample alone. Only shapes whose first axis is the batch may be cut so."""
    shapes = [arg.shape for arg in check.case.args] + (check.shapes[:1] if check.is_float else [])
    alone = [
        np.ascontiguousarray(a[(n - 1) * (len(a) // n) :]) if shape and shape[0] < 0 else a
        for a, shape in zip(arrays, shapes, strict=True)
    ]
    for single, all_rows in zip(check.run(1, alone)[: len(results)], results, strict=True):
        part = all_rows[(n - 1) * (len(all_rows) // n) :]
        np.testing.assert_array_equal(single, part, err_msg=f"{what}: a row depends on its neighbours")


def check_epilogues(op: str, x: Arg, w: Arg, attributes: Mapping[str, Any], oracle: Callable[..., Any]) -> None:
    """Bias, residual and activation after op(x, w): one launch, and the numbers of the oracle in every combination."""
    activations = {"none": lambda v: v, "relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}
    activations["sigmoid"] = lambda v: 1 / (1 + np.exp(-v))
    for with_bias, with_residual, (name, activation) in itertools.product((0, 1), (0, 1), activations.items()):
        graph = E.Graph()
        inputs = [graph.input("x", x.shape, "float32"), graph.input("w", w.shape, "float32")]
        y = graph.add(op, inputs, attributes, "checked")[0]
        shape = tuple(graph.shape(y))
        inputs += [graph.input("bias", shape[-1:], "float32"), graph.input("residual", shape, "float32")]
        y = graph.add("add", [y, inputs[2]], {})[0] if with_bias else y
        y = graph.add("add", [inputs[3], y], {})[0] if with_residual else y
        y = graph.add(name, [y], {})[0] if name != "none" else y
        rng = np.random.default_rng(5)
        arrays = [arg.draw(rng, sized(arg.shape, 3)).astype(np.float32) for arg in (x, w)]
        arrays += [rng.normal(size=sized(s, 3)).astype(np.float32) for s in (shape[-1:], shape)]
        exact = [a.astype(np.float64) for a in arrays]
        want = activation(oracle(*exact[:2]) + with_bias * exact[2] + with_residual * exact[3])
        with restored():
            for isa in E.available_isas():
                E.set_isa(isa)
                executable = E.Executable(graph, [y], 3)
                assert launches(executable) == [op], executable.dump()
                got = executable.run(3, arrays)[0]
                assert_close(got, want, 1e-5, f"{op}, bias {with_bias}, residual {with_residual}, {name} on {isa}")


def launches(executable: E.Executable) -> list[str]:
    """The operations of a plan, in order: the first word of every line after the heading."""
    return [line.split()[0] for line in executable.dump().splitlines()[1:]]


erf = np.vectorize(math.erf, otypes=[np.float64])


def add_sgd(graph: E.Graph, weights: int, gradient: int, rate: float, layer: str = "") -> None:
    """Appends weights -= rate * gradient."""
    numbers = [graph.constant(np.float32(rate)), graph.constant(np.int32(0))]
    graph.add("update", [weights] * 6 + numbers + [gradient], {"rule": "sgd"}, layer)
