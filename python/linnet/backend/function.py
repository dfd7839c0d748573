"""`op`: makes an operation of `linnet.ops` from a function on tensors.

    @op("x1", "x2")
    def hypot(x1, x2):
        return sqrt(square(x1) + square(x2))

The function is written for tensors of the running trace. The decorator adds the two other ways to call it: with NumPy
arrays, when it runs at once through a small cached program, and with symbolic tensors, when a node is noted down. The
names given to the decorator say which arguments are tensors; "*xs" says that the argument is a sequence of tensors. All
other arguments are settings, fixed when the program is compiled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from linnet.backend.keras_tensor import any_symbolic
from linnet.backend.naming import auto_name
from linnet.backend.operation import Node, Operation, infer
from linnet.backend.program import run_eagerly
from linnet.backend.tensor import Tensor
from linnet.backend.trace import current_trace
from linnet.backend.tree import freeze

Function = TypeVar("Function", bound=Callable[..., Any])

# Every operation by name, for loading saved models that contain calls of them.
registry: dict[str, Callable[..., Any]] = {}


class FunctionOperation(Operation):
    """A call of a `linnet.ops` function in a functional model."""

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__(name or auto_name(function.__name__))
        self.function = function

    def replay(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def symbolic_call(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        outputs = infer(self.function, args, kwargs)
        Node(self, args, kwargs, outputs)
        return outputs


def op(*tensor_names: str) -> Callable[[Function], Function]:
    """A decorator; tensor_names: the arguments that are tensors ("*name": a sequence of tensors)."""

    def decorate(function: Function) -> Function:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        sequences = {name[1:] for name in tensor_names if name.startswith("*")}
        tensors = {name.lstrip("*") for name in tensor_names}

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if current_trace() is not None:
                return function(*args, **kwargs)
            if any_symbolic(args, kwargs):
                return FunctionOperation(call).symbolic_call(args, kwargs)
            bound = dict(zip(names, args, strict=False))
            if len(args) > len(names):
                return function(*args, **kwargs)  # raises Python's own TypeError
            bound.update(kwargs)
            return _run(function, bound, tensors, sequences)

        registry[function.__name__] = call
        return call  # type: ignore[return-value]

    return decorate


def _run(function: Callable[..., Any], bound: dict[str, Any], tensors: set[str], sequences: set[str]) -> Any:
    arrays: list[Any] = []
    plan: dict[str, Any] = {}  # tensor argument -> its position in arrays, or a list of positions
    settings: dict[str, Any] = {}
    for name, value in bound.items():
        if isinstance(value, Tensor):
            raise ValueError(
                f"{function.__name__}: this tensor belongs to a trace that has ended; tensors live only inside the "
                "call (or the training step) that made them"
            )
        if name not in tensors or value is None:
            settings[name] = value
        elif name in sequences and isinstance(value, (list, tuple)):
            plan[name] = list(range(len(arrays), len(arrays) + len(value)))
            arrays.extend(value)
        else:
            plan[name] = len(arrays)
            arrays.append(value)

    def traced(inputs: list[Tensor]) -> Any:
        given = {
            name: [inputs[i] for i in where] if isinstance(where, list) else inputs[where]
            for name, where in plan.items()
        }
        return function(**given, **settings)

    try:
        key: Any = (function, freeze(plan), freeze(settings))
        hash(key)
    except TypeError:
        key = None
    return run_eagerly(key, traced, arrays)[0]
