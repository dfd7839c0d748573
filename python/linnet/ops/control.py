"""Control flow as functions. A trace records every operation once, so inside a model there are no branches and no loops
whose length depends on values:

    cond, switch      a Python bool or number chooses; of a tensor, all branches are computed and `where` chooses
    scan, map, fori   run over an axis of fixed size (or Python ints) and are unrolled
    while_loop        while a Python condition holds; with a tensor's condition, maximum_iterations steps are recorded,
                      and what a step gives counts only while the condition holds
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linnet.backend.errors import UnsupportedError
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tensor import Tensor
from linnet.backend.tree import flatten, pack_like


def _known(value: Any) -> bool:
    return not isinstance(value, (Tensor, KerasTensor))


def _choose(condition: Any, first: Any, second: Any) -> Any:
    """first where the condition holds, else second, leaf by leaf."""
    from linnet.ops.arithmetic import where

    pairs = zip(flatten(first), flatten(second), strict=True)
    return pack_like(first, [where(condition, x, y) for x, y in pairs])


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """true_fn() if pred holds, else false_fn(). If pred is a tensor both are computed, and must have equal shapes."""
    if _known(pred):
        return true_fn() if bool(np.asarray(pred)) else false_fn()
    return _choose(pred, true_fn(), false_fn())


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """branches[index](*operands); an index outside takes the nearest. If index is a tensor, all are computed."""
    from linnet.ops.comparison import less_equal

    if _known(index):
        return branches[min(max(int(np.asarray(index)), 0), len(branches) - 1)](*operands)
    found = branches[-1](*operands)
    for i in range(len(branches) - 2, -1, -1):
        found = _choose(less_equal(index, i), branches[i](*operands), found)
    return found


def _length(xs: Any, what: str) -> int:
    sizes = {leaf.shape[0] for leaf in flatten(xs) if leaf is not None}
    if len(sizes) != 1 or None in sizes:
        raise UnsupportedError(f"{what}: needs a first axis of fixed size, got {sizes or 'nothing'}")
    return int(sizes.pop())


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """(carry, y) = f(carry, xs[i]) for every i: the last carry, and all ys stacked. Always unrolled."""
    from linnet.ops.shape import stack

    count = length if xs is None else _length(xs, "scan")
    if count is None:
        raise ValueError("scan: give xs or length")
    carry, results = init, []
    for i in range(count - 1, -1, -1) if reverse else range(count):
        row = pack_like(xs, [None if x is None else x[i] for x in flatten(xs)])
        carry, y = f(carry, row)
        results.append(y)
    if reverse:
        results.reverse()
    if not results or all(leaf is None for leaf in flatten(results[0])):
        return carry, None
    leaves = zip(*(flatten(y) for y in results), strict=True)
    return carry, pack_like(results[0], [stack(list(column), 0) for column in leaves])


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """f(xs[i]) for every i, stacked. Unrolled: for many rows write f for all of them at once."""
    return scan(lambda carry, x: (carry, f(x)), None, xs)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """The same as map."""
    return map(function, elements)


def fori_loop(lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """value = body_fun(i, value) for i from lower to upper - 1. Unrolled."""
    if not _known(lower) or not _known(upper):
        raise UnsupportedError("fori_loop: the bounds must be ints: a recorded loop has a fixed length")
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """loop_vars = body(*loop_vars) while cond(*loop_vars) holds, at most maximum_iterations times."""
    several = isinstance(loop_vars, (list, tuple))
    variables = tuple(loop_vars) if several else (loop_vars,)
    done, active = 0, None
    while maximum_iterations is None or done < maximum_iterations:
        holds = cond(*variables)
        if _known(holds):
            if not bool(np.asarray(holds)):
                break
        elif maximum_iterations is None:
            raise UnsupportedError(
                "while_loop: inside a model the condition is a tensor, so give maximum_iterations: so many steps are "
                "recorded"
            )
        found = body(*variables)
        found = tuple(found) if isinstance(found, (list, tuple)) else (found,)
        if not _known(holds):
            from linnet.ops.comparison import logical_and

            active = holds if active is None else logical_and(active, holds)
            found = _choose(active, found, variables)
        variables = found
        done += 1
    return type(loop_vars)(variables) if several else variables[0]


__all__ = ["cond", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop"]
