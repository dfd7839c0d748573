"""`Program`: a compiled trace bound to the memory of its variables, and the bounded caches that keep programs.

A program belongs to one trace; `run` and `run_rows` are the engine's, with one integer comparison in front: when any
variable has moved since (storage.epoch), all of them are bound again.

`run_eagerly` is how an operation, layer or model runs at once on NumPy arrays: the first call with arrays of certain
shapes traces and compiles, later ones only run.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from linnet import _engine
from linnet.backend.dtypes import array_dtype, engine_array
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace
from linnet.backend.tree import flatten, map_structure, pack_like
from linnet.backend.variable import storage


class Program:
    """An executable and its variables. Inputs and outputs are in the order of the trace's."""

    def __init__(self, trace: Trace, outputs: Sequence[Tensor], capacity: int) -> None:
        self.inputs = [tensor.value for tensor in trace.inputs]
        self.output_dtypes = [tensor.dtype for tensor in outputs]
        self.output_dims = [tensor.dims for tensor in outputs]
        self.executable = _engine.Executable(
            trace.graph,
            [tensor.value for tensor in outputs],
            capacity,
            os.environ.get("LINNET_DEBUG", ""),
            prepare=True,  # Variable reports every change of its memory
        )
        self._variables = [(value, variable) for variable, value in trace.variables().values()]
        self._epoch = -1
        self.bind()

    @property
    def capacity(self) -> int:
        return self.executable.capacity

    def bind(self) -> None:
        """Gives the executable the present arrays of all variables, if any has moved."""
        if self._epoch != storage.epoch:
            for value, variable in self._variables:
                self.executable.bind_variable(value, variable._array)
            self._epoch = storage.epoch

    def run(self, n: int, arrays: Sequence[np.ndarray], seed: int = 0, step: int = 0) -> list[np.ndarray]:
        """Runs on float32/int32 C-contiguous arrays of n rows each and returns the outputs (bool ones as bool)."""
        if self._epoch != storage.epoch:
            self.bind()
        found = self.executable.run(n, arrays, seed, step)
        if "bool" in self.output_dtypes:
            found = [a.astype(bool) if d == "bool" else a for a, d in zip(found, self.output_dtypes, strict=True)]
        return found


class ProgramCache:
    """The programs used last, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: Hashable, entry: Any) -> Any:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return entry

    def clear(self) -> None:
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


# Eager operations: 256 graphs of one to a few nodes each.
_eager_cache = ProgramCache(256)


def engine_settings() -> tuple[str, str]:
    """What the engine takes into account when it compiles, besides the graph: part of the key of every kept program."""
    return os.environ.get("LINNET_DEBUG", ""), _engine.conv_algorithm()


def clear_cache() -> None:
    """Forgets all compiled eager operations."""
    _eager_cache.clear()


def round_capacity(n: int) -> int:
    """A capacity for n rows with some room (the next power of two), so that growing batches seldom compile again."""
    return 1 << max(n - 1, 0).bit_length()


def run_eagerly(
    key: Hashable | None,
    function: Callable[[list[Tensor]], Any],
    arrays: Sequence[Any],
    *,
    batched: bool = False,
    cache: ProgramCache | None = None,
    training: bool | None = None,
    collect: Callable[[Trace], list[Tensor]] | None = None,
    seed: int = 0,
    step: int = 0,
) -> tuple[Any, list[np.ndarray]]:
    """Traces function(tensors of the arrays), compiles it once, runs it, and returns its results as arrays.

    key: identifies the function and its other arguments (None: do not keep the program).
    batched: the arrays share a first axis that may differ from call to call without compiling again.
    collect: takes further tensors from the finished trace; their arrays are the second result.
    """
    arrays = [np.asarray(array) for array in arrays]
    dtypes = [array_dtype(array) for array in arrays]
    rows = [array.shape[:1] for array in arrays]
    batched = batched and bool(rows) and rows[0] != () and all(row == rows[0] for row in rows)
    n = rows[0][0] if batched else 1
    cache = _eager_cache if cache is None else cache
    if key is not None:
        shapes = tuple(array.shape[1:] if batched else array.shape for array in arrays)
        key = (key, batched, shapes, tuple(dtypes), training, engine_settings())
    entry = cache.get(key) if key is not None else None
    if entry is None or (batched and entry[0] is not None and entry[0].capacity < n):
        entry = _trace_eagerly(function, arrays, dtypes, batched, n, training, collect)
        if key is not None:
            cache.put(key, entry)
    program, structure, count = entry
    if program is None:
        return structure, []
    ready = [engine_array(array, dtype) for array, dtype in zip(arrays, dtypes, strict=True)]
    found = program.run(n, ready, seed, step)
    leaves = iter(found[:count])
    result = map_structure(lambda leaf: next(leaves) if isinstance(leaf, _Slot) else leaf, structure)
    return result, found[count:]


class _Slot:
    """Where an output goes in the structure of a function's results."""


def _trace_eagerly(
    function: Callable[[list[Tensor]], Any],
    arrays: list[np.ndarray],
    dtypes: list[str],
    batched: bool,
    n: int,
    training: bool | None,
    collect: Callable[[Trace], list[Tensor]] | None,
) -> tuple[Program | None, Any, int]:
    trace = Trace(training=training)
    with trace:
        tensors = [
            trace.input(f"input_{i}", ((-1, *array.shape[1:]) if batched else array.shape), dtype)
            for i, (array, dtype) in enumerate(zip(arrays, dtypes, strict=True))
        ]
        result = function(tensors)
        # A function may give back a variable or a plain array; the caller wants arrays of all of them.
        leaves = [
            trace.tensor(leaf) if hasattr(leaf, "_as_variable") or isinstance(leaf, np.ndarray) else leaf
            for leaf in flatten(result)
        ]
        result = pack_like(result, leaves)
        outputs = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        extra = collect(trace) if collect is not None else []
    structure = map_structure(lambda leaf: _Slot() if isinstance(leaf, Tensor) else leaf, result)
    if not outputs and not extra and not trace.variables():
        return None, structure, 0
    return trace.compile([*outputs, *extra], round_capacity(n) if batched else 1), structure, len(outputs)
