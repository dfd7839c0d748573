"""`Trace`: the recording of one engine graph while Python code runs.

    trace = Trace(training=True)
    with trace:                        # operations on tensors now append nodes to trace.graph
        x = trace.input("x", (-1, 784))
        y = model(x)
    program = trace.compile([y], capacity=32)

A variable is read through `trace.read`: its first use makes an engine `variable` value, or a `view` into the one flat
array where all trainable weights of a model lie (`flat.py`). After `variable.assign(t)` inside a trace, reading gives
`t`: every tensor is a value that never changes, and the order of the assignments is the order of the Python code.

The trace of the running code is in a context variable, so that threads may trace side by side. `eager()` hides it for
code that must run at once even while a trace is open, as the initializers of weights must.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet import _engine
from linnet.backend.dtypes import array_dtype, engine_array
from linnet.backend.tensor import Dims, Tensor, engine_dims

if TYPE_CHECKING:
    from linnet.backend.flat import FlatParameters
    from linnet.backend.program import Program
    from linnet.backend.variable import Variable

_current: ContextVar[Trace | None] = ContextVar("linnet_trace", default=None)


def current_trace() -> Trace | None:
    """The trace that the running code records into, or None."""
    return _current.get()


@contextmanager
def eager() -> Iterator[None]:
    """Inside, operations run at once on arrays even though a trace is open around."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


class Trace:
    """One engine graph in the making, and what Python must remember about it."""

    def __init__(self, training: bool | None = None, flat: FlatParameters | None = None) -> None:
        self.graph = _engine.Graph()
        self.training = training  # what layers take when their `training` argument is not given
        self.losses: list[Tensor] = []  # from Layer.add_loss, in call order
        self.differentiated: Tensor | None = None  # what `gradients` was last asked about
        self.records: list[tuple[Any, Tensor]] = []  # (tracker, value): numbers the loop adds up after every run
        self.reads_results = False  # whether metric.result() is being recorded, rather than promised
        self.inputs: list[Tensor] = []
        self.flat = flat
        self._memory: dict[int, tuple[Variable, int]] = {}  # id(variable) -> the variable, its engine variable
        self._values: dict[int, Tensor] = {}  # id(variable) -> what reading it gives now
        self._pending: dict[int, Variable] = {}  # assigned variables; `finish` writes them to memory
        self._constants: dict[tuple[Any, str], Tensor] = {}
        self._layers: list[str] = []
        self._streams = 0
        self._tokens: list[Token[Trace | None]] = []

    def __enter__(self) -> Trace:
        self._tokens.append(_current.set(self))
        return self

    def __exit__(self, *error: object) -> None:
        _current.reset(self._tokens.pop())

    # ---- values ------------------------------------------------------------------------------------------------------

    def input(self, name: str, dims: Sequence[Any], dtype: str = "float32") -> Tensor:
        """A value given at each run, in the order of these calls. dims: sizes, -k or None for the batch."""
        engine_dtype = "int32" if dtype == "int32" else "float32"
        dims = engine_dims(dims)
        tensor = Tensor(self, self.graph.input(name, dims, engine_dtype), dims, dtype)
        self.inputs.append(tensor)
        return tensor

    def tensor(self, value: Any) -> Tensor:
        """`value` as a tensor of this trace: a tensor as it is, a variable read, anything else a constant."""
        if isinstance(value, Tensor):
            if value.trace is not self:
                raise ValueError(
                    "this tensor belongs to another trace that has ended; tensors live only inside the call (or the "
                    "training step) that made them, so keep values in a Variable instead"
                )
            return value
        kind = type(value)
        if kind is float or kind is int or kind is bool:
            return self._scalar(value)
        if hasattr(value, "_as_variable"):
            return self.read(value._as_variable())
        if hasattr(value, "_as_traced"):
            return self._traced_result(value)
        if isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) for item in value):
            from linnet import ops

            return ops.stack([self.tensor(item) for item in value])
        return self.constant(value)

    def _traced_result(self, promise: Any) -> Tensor:
        before, self.reads_results = self.reads_results, True
        try:
            return self.tensor(promise._as_traced())
        finally:
            self.reads_results = before

    def _scalar(self, value: float) -> Tensor:
        key = (value, type(value).__name__)
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.constant(np.asarray(value))
        return found

    def constant(self, value: Any) -> Tensor:
        """An array fixed into the graph."""
        source = np.asarray(value)
        dtype = array_dtype(source, "constant")
        array = engine_array(source, dtype, "constant")
        return Tensor(self, self.graph.constant(array), array.shape, dtype)

    def add(self, op: str, inputs: Iterable[Tensor], dtype: str | None = None, **attributes: Any) -> Tensor:
        """Appends a node with one output and returns it. dtype: "bool" marks a float32 result of zeros and ones."""
        return self.add_many(op, inputs, dtype, **attributes)[0]

    def add_many(self, op: str, inputs: Iterable[Tensor], dtype: str | None = None, **attributes: Any) -> list[Tensor]:
        """Appends a node and returns all its outputs."""
        layer = self._layers[-1] if self._layers else ""
        graph = self.graph
        values = graph.add(op, [tensor.value for tensor in inputs], attributes, layer)
        return [Tensor(self, value, tuple(graph.shape(value)), dtype or graph.dtype(value)) for value in values]

    def next_stream(self) -> int:
        """A number for a random node: random nodes of one trace draw from different streams."""
        self._streams += 1
        return self._streams - 1

    @contextmanager
    def layer(self, name: str) -> Iterator[None]:
        """Nodes added inside carry this layer's name into error messages, dumps and profiles."""
        self._layers.append(name)
        try:
            yield
        finally:
            self._layers.pop()

    # ---- variables ---------------------------------------------------------------------------------------------------

    def read(self, variable: Variable) -> Tensor:
        """The variable's value at this point of the recording."""
        found = self._values.get(id(variable))
        if found is not None:
            return found
        flat = self.flat
        if flat is not None and id(variable) in flat.offsets:
            tensor = self._part(flat, variable)
        else:
            tensor = Tensor(self, self.memory(variable), tuple(variable.shape), variable.dtype)
        self._values[id(variable)] = tensor
        return tensor

    def _part(self, flat: FlatParameters, variable: Variable) -> Tensor:
        start, shape = flat.offsets[id(variable)], list(variable.shape)
        whole = self.read(flat.variable)
        if id(flat.variable) not in self._pending:
            return self.add("view", [whole], offset=start, shape=shape)
        part = self.add("slice", [whole], begin=[start], end=[start + variable.size], step=[1])
        return self.add("reshape", [part], shape=shape)

    def memory(self, variable: Variable) -> int:
        """The engine's variable, bound to the variable's array when the program runs."""
        found = self._memory.get(id(variable))
        if found is None:
            dtype = "int32" if variable.dtype == "int32" else "float32"
            value = self.graph.variable(variable.path, tuple(variable.shape), dtype)
            found = self._memory[id(variable)] = (variable, value)
        return found[1]

    def assign(self, variable: Variable, value: Any) -> Tensor:
        """From here on, and after the run, the variable holds `value` (same shape; converted to its type).

        The memory is written at the end of the program, so tensors read from the variable before keep their values.
        """
        from linnet import ops

        tensor = self.tensor(value)
        if tensor.dtype != variable.dtype:
            tensor = ops.cast(tensor, variable.dtype)
        if tensor.dims != tuple(variable.shape):
            if any(size < 0 for size in tensor.dims):
                raise ValueError(
                    f'variable "{variable.path}" of shape {variable.shape} cannot take a value of shape '
                    f"{tensor.shape}: it depends on the batch; reduce it over the batch axis first"
                )
            tensor = ops.broadcast_to(tensor, variable.shape)
        self._pending[id(variable)] = variable
        self._values[id(variable)] = tensor
        self._forget_parts(variable)
        return tensor

    def effect(self, op: str, operands: Sequence[Any], **attributes: Any) -> None:
        """Appends a node that updates the variables among `operands` in place (`update`). Others are read as values.

        Every variable among the operands counts as written: the next read sees its memory anew.
        """
        values, written = [], []
        for operand in operands:
            if hasattr(operand, "_as_variable"):
                variable = operand._as_variable()
                self._write(variable)
                values.append(self.memory(variable))
                written.append(variable)
            else:
                values.append(self.tensor(operand).value)
        self.graph.add(op, values, attributes, self._layers[-1] if self._layers else "")
        for variable in written:
            self._values.pop(id(variable), None)
            self._forget_parts(variable)

    def _forget_parts(self, variable: Variable) -> None:
        if self.flat is not None and variable is self.flat.variable:
            for part in self.flat.variables:
                self._values.pop(id(part), None)
                self._pending.pop(id(part), None)

    def _write(self, variable: Variable) -> None:
        if self._pending.pop(id(variable), None) is not None:
            self.graph.assign(self.memory(variable), self._values[id(variable)].value)

    def gradients(self, loss: Tensor, targets: Sequence[Tensor]) -> list[Tensor | None]:
        """d loss / d target for each target; None where the loss does not depend on it. The loss is a scalar."""
        self.differentiated = loss
        values = self.graph.gradients(loss.value, [target.value for target in targets])
        return [
            None if value < 0 else Tensor(self, value, target.dims, "float32")
            for value, target in zip(values, targets, strict=True)
        ]

    # ---- the end -----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Writes the assigned variables to their memory, those in the flat array in one piece. `compile` calls it."""
        flat = self.flat
        if flat is not None and any(key in flat.offsets for key in self._pending):
            parts = [self.read(variable) for variable in flat.variables]
            offsets = [flat.offsets[id(variable)] for variable in flat.variables]
            self._pending = {key: v for key, v in self._pending.items() if key not in flat.offsets}
            self._pending[id(flat.variable)] = flat.variable
            self._values[id(flat.variable)] = self.add("pack", parts, offsets=offsets, size=flat.size)
        # A value that is another variable's memory (a swap) must be saved before that memory is written.
        for key in self._pending:
            self._values[key] = self._kept(self._values[key])
        for variable in list(self._pending.values()):
            self._write(variable)

    def _kept(self, tensor: Tensor) -> Tensor:
        """The tensor, or a copy of it where it shares the memory of a variable that is about to be written."""
        written = {value for key, (_, value) in self._memory.items() if key in self._pending}
        flat = self.flat
        if flat is not None and not self._pending.keys().isdisjoint(flat.offsets):
            written.add(self.memory(flat.variable))
        if self.graph.alias_root(tensor.value) not in written:
            return tensor
        return self.add("cast", [tensor], dtype="int32") if tensor.dtype == "int32" else self.add("copy", [tensor])

    def variables(self) -> Mapping[int, tuple[Variable, int]]:
        """id(variable) -> (variable, engine variable) of everything that must be bound to memory."""
        return self._memory

    def compile(self, outputs: Sequence[Tensor], capacity: int) -> Program:
        """The program that computes `outputs` (and performs all assignments) for up to `capacity` rows."""
        from linnet.backend.program import Program

        with self:
            outputs = [self._kept(tensor) for tensor in outputs]
            self.finish()
        return Program(self, outputs, capacity)


def placeholder_dims(shape: Sequence[Any], stand_in: int | None = None) -> Dims:
    """Engine dims of a public shape: a None in front is the batch; a None elsewhere becomes `stand_in`."""
    dims = list(engine_dims(shape[:1]))
    for size in shape[1:]:
        if size is None:
            if stand_in is None:
                raise ValueError(f"shape {tuple(shape)}: only the first dimension, the batch, may be None here")
            size = stand_in
        dims.extend(engine_dims([size]))
    return tuple(dims)
