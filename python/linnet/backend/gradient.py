"""`value_and_grad`: the gradient of a function, for training loops written by hand.

    def loss(x, y):
        return linnet.ops.mean(linnet.ops.square(model(x, training=True) - y))

    step = linnet.value_and_grad(loss, model)      # in the weights of the model; without it, in the first argument
    for x, y in batches:
        value, grads = step(x, y)
        optimizer.apply(grads, model.trainable_variables)

On arrays the function is traced and compiled once for each set of shapes and then only runs. Numbers and arrays that
the function itself refers to are part of what a compiled program is known by: when they change, it is traced again. In
a `train_step`, whose tensors are being traced already, the same call records the gradient into the step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linnet.backend.program import ProgramCache, run_eagerly
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace, current_trace
from linnet.backend.tree import flatten, freeze, map_structure, pack_like
from linnet.backend.variable import Variable

_cache = ProgramCache(64)


def value_and_grad(function: Callable[..., Any], wrt: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function with the same arguments that returns (value, gradients).

    wrt: what to differentiate in: the number of a positional argument (0, the first, by default), or a tuple of
        numbers; a layer or model, whose trainable variables are meant; a variable; or a list of variables.
    has_aux: the function returns (value, others); the result is ((value, others), gradients).

    The value must be one number. The gradients have the structure of the arguments, and are a list for a model or a
    list of variables. Where the value does not depend on an argument the gradient is zero; on a variable, None.
    """
    if not callable(function):
        raise TypeError(f"value_and_grad: expected a function, got {function!r}")
    if isinstance(wrt, tuple) and any(not isinstance(one, int) for one in wrt):
        wrt = list(wrt)
    if not _is_wrt(wrt):
        raise TypeError(f"value_and_grad: wrt must be a position, a layer or variables, got {wrt!r}")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None:
            return _record(function, wrt, has_aux, args, kwargs)
        return _run(function, wrt, has_aux, args, kwargs)

    return wrapped


def gradients(value: Any, targets: Any) -> Any:
    """In a train_step: the gradients of a traced number in variables or tensors, in the structure of `targets`.

    None where the number does not depend on a target. A layer or model stands for its trainable variables.
    """
    trace = current_trace()
    if trace is None:
        raise ValueError("linnet.gradients works on tensors, in a train_step; on arrays use linnet.value_and_grad")
    targets = _variables(targets) if hasattr(targets, "trainable_variables") else targets
    return _gradients(trace, value, targets)


def _is_wrt(wrt: Any) -> bool:
    if isinstance(wrt, bool):
        return False
    if isinstance(wrt, (int, Variable)) or hasattr(wrt, "trainable_variables"):
        return True
    if isinstance(wrt, tuple):
        return len(wrt) > 0
    return isinstance(wrt, list) and all(isinstance(one, Variable) for one in wrt)


def _variables(wrt: Any) -> Any:
    return list(wrt.trainable_variables) if hasattr(wrt, "trainable_variables") else wrt


def _gradients(trace: Trace, value: Any, targets: Any) -> Any:
    number = trace.tensor(value)
    if number.dims:
        raise ValueError(
            f"the value to differentiate has shape {number.shape} instead of being one number; take its mean or sum"
        )
    leaves = [trace.tensor(leaf) for leaf in flatten(targets)]
    return pack_like(targets, trace.gradients(number, leaves))


def _record(function: Callable[..., Any], wrt: Any, has_aux: bool, args: tuple, kwargs: dict[str, Any]) -> Any:
    trace = current_trace()
    assert trace is not None

    def into_trace(leaf: Any) -> Any:
        return trace.tensor(leaf) if isinstance(leaf, np.ndarray) else leaf

    args = tuple(map_structure(into_trace, argument) for argument in args)
    kwargs = {key: map_structure(into_trace, value) for key, value in kwargs.items()}
    if has_aux:
        found = function(*args, **kwargs)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError("value_and_grad(has_aux=True): the function must return (value, others)")
        value = found[0]
    else:
        found = value = function(*args, **kwargs)
    if isinstance(wrt, (int, tuple)):
        places = (wrt,) if isinstance(wrt, int) else wrt
        for place in places:
            if not -len(args) <= place < len(args):
                raise TypeError(f"value_and_grad: there is no positional argument {place} among {len(args)}")
            for leaf in flatten(args[place]):
                if not isinstance(leaf, Tensor) or leaf.dtype != "float32":
                    raise TypeError(
                        f"value_and_grad: argument {place} must consist of arrays of floats, got {leaf!r}; "
                        "wrt names what to differentiate in"
                    )
        wanted = tuple(args[place] for place in places)
        slopes = _gradients(trace, value, wanted)
        from linnet import ops

        pairs = zip(flatten(slopes), flatten(wanted), strict=True)
        slopes = pack_like(wanted, [ops.zeros_like(leaf) if slope is None else slope for slope, leaf in pairs])
        return found, slopes[0] if isinstance(wrt, int) else slopes
    return found, _gradients(trace, value, _variables(wrt))


def _run(function: Callable[..., Any], wrt: Any, has_aux: bool, args: tuple, kwargs: dict[str, Any]) -> Any:
    from linnet.backend.seed import eager_counter
    from linnet.layers.layer_calls import change_count

    arrays: list[Any] = []

    def take(leaf: Any) -> Any:
        if isinstance(leaf, Variable) or not hasattr(leaf, "__array__"):
            return leaf
        arrays.append(np.asarray(leaf))
        return _Slot(len(arrays) - 1)

    if isinstance(wrt, (int, tuple)):
        # A plain number that is differentiated in is an array of no dimensions.
        places = {place % max(len(args), 1) for place in ((wrt,) if isinstance(wrt, int) else wrt)}
        args = tuple(map_structure(_as_array, a) if i in places else a for i, a in enumerate(args))
    plan_args, plan_kwargs = map_structure(take, (args, kwargs))

    def traced(inputs: Sequence[Tensor]) -> Any:
        fill = lambda leaf: inputs[leaf.index] if isinstance(leaf, _Slot) else leaf  # noqa: E731
        return _record(function, wrt, has_aux, *map_structure(fill, (plan_args, plan_kwargs)))

    target = tuple(map(id, wrt)) if isinstance(wrt, list) else wrt
    key: Any = (function, _captured(function), freeze(plan_args), freeze(plan_kwargs), target, has_aux, change_count())
    try:
        hash(key)
    except TypeError:
        key = None
    seed, step = eager_counter()
    return run_eagerly(key, traced, arrays, cache=_cache, seed=seed, step=step)[0]


def _as_array(leaf: Any) -> Any:
    return np.asarray(leaf, np.float32) if isinstance(leaf, (int, float)) and not isinstance(leaf, bool) else leaf


def _captured(function: Any) -> tuple:
    """What the result depends on besides the arguments: the function's own closure, globals and defaults."""
    plain = getattr(function, "__func__", function)
    code = getattr(plain, "__code__", None)
    if code is None:
        return ()
    values = [*(plain.__defaults__ or ()), *(plain.__kwdefaults__ or {}).values()]
    for cell in plain.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # a name that has no value yet
            continue
    values += [plain.__globals__[name] for name in code.co_names if name in plain.__globals__]
    return tuple(_frozen(value) for value in values)


def _frozen(value: Any) -> Any:
    leaves = flatten(value) if isinstance(value, (list, tuple, dict)) else [value]
    if all(isinstance(leaf, (bool, int, float, str, type(None), np.ndarray, np.generic)) for leaf in leaves):
        return freeze(value)
    return id(value)


class _Slot:
    """Stands for array number `index` among the arguments."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __hash__(self) -> int:
        return hash((_Slot, self.index))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Slot) and other.index == self.index
