"""What an optimizer does around `update_step`, composed of operations: for optimizers whose rule the engine does not
know, for weights that do not lie in one flat array, and for gradients applied at once on arrays.

The order is that of Keras: accumulation, clipping, weight decay, update_step, the moving average. Operations have no
branches. So a call that only accumulates still records the update, and then gives weights and slots their old values
back; outside a trace it is an `if`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet import ops
from linnet.backend.flat import FlatParameters
from linnet.backend.trace import current_trace
from linnet.backend.variable import Variable

if TYPE_CHECKING:
    from linnet.optimizers.optimizer import Optimizer

Pairs = list[tuple[Any, Variable]]


def apply(optimizer: Optimizer, flat: FlatParameters | None, pairs: Pairs) -> None:
    """Changes the variables by their gradients. flat: the layout of all weights, where there is one."""
    if optimizer.loss_scale_factor is not None:
        pairs = [(grad * (1.0 / optimizer.loss_scale_factor), variable) for grad, variable in pairs]
    if optimizer.gradient_accumulation_steps:
        _accumulate(optimizer, flat, pairs)
    else:
        _update(optimizer, flat, pairs)
    if optimizer.use_ema:
        move_averages(optimizer, optimizer._trainable_variables)
        if optimizer.ema_overwrite_frequency:
            _overwrite_weights(optimizer, optimizer.ema_overwrite_frequency)


def _accumulate(optimizer: Optimizer, flat: FlatParameters | None, pairs: Pairs) -> None:
    steps = optimizer.gradient_accumulation_steps
    assert steps is not None
    sums = [optimizer._accumulated_gradients[optimizer._index[id(variable)]] for _, variable in pairs]
    totals = [total + grad for total, (grad, _) in zip(sums, pairs, strict=True)]
    means = [(total * (1.0 / steps), variable) for total, (_, variable) in zip(totals, pairs, strict=True)]
    if current_trace() is None:
        due = (int(optimizer._calls) + 1) % steps == 0
        if due:
            _update(optimizer, flat, means)
        for accumulator, total in zip(sums, totals, strict=True):
            accumulator.assign(0.0 if due else total)
        return
    is_due = ops.equal(ops.mod(ops.cast(optimizer._calls, "float32") + 1.0, float(steps)), 0.0)
    state = _state(optimizer, flat, pairs)
    before = [variable.value for variable in state]
    _update(optimizer, flat, means)
    for variable, old in zip(state, before, strict=True):
        variable.assign(ops.where(is_due, variable.value, old))
    for accumulator, total in zip(sums, totals, strict=True):
        accumulator.assign(ops.where(is_due, 0.0, total))


def _state(optimizer: Optimizer, flat: FlatParameters | None, pairs: Pairs) -> list[Variable]:
    """What an update may write: the weights and all that the optimizer keeps for itself."""
    kept = (optimizer._model_variables_moving_average, optimizer._accumulated_gradients)
    own = {id(variable) for slots in kept for variable in slots}
    own |= {id(optimizer._calls), id(optimizer._learning_rate)}
    if flat is not None:
        slots = [slots[-1] for slots in optimizer._slot_lists if all(slots is not own for own in kept)]
        others = [v for v, _, weight in optimizer._entries if weight is None and id(v) not in own]
        return [flat.variable, *slots, *others]
    return [variable for _, variable in pairs] + [v for v in optimizer.variables if id(v) not in own]


def _update(optimizer: Optimizer, flat: FlatParameters | None, pairs: Pairs) -> None:
    optimizer.before_update()
    if flat is not None:
        _update_flat(optimizer, flat, pairs)
        return
    learning_rate = optimizer._get_current_learning_rate()
    grads = _clip(optimizer, [grad for grad, _ in pairs])
    for grad, (_, variable) in zip(grads, pairs, strict=True):
        if optimizer.weight_decay and not optimizer._is_undecayed(variable):
            variable.assign_sub(variable * (optimizer.weight_decay * learning_rate))
        optimizer.update_step(grad, variable, learning_rate)


def _update_flat(optimizer: Optimizer, flat: FlatParameters, pairs: Pairs) -> None:
    trace = current_trace()
    assert trace is not None
    learning_rate = optimizer._get_current_learning_rate()
    grads = [grad for grad, _ in pairs]
    # A norm per weight needs the gradients apart; the other clippings are one pass over the packed ones.
    if optimizer.clipnorm is not None:
        grads = _clip(optimizer, grads)
    offsets = [flat.offsets[id(variable)] for _, variable in pairs]
    gradient = trace.add("pack", [trace.tensor(grad) for grad in grads], offsets=offsets, size=flat.size)
    if optimizer.clipnorm is None:
        (gradient,) = _clip(optimizer, [gradient])
    weights = flat.variable
    if optimizer.weight_decay:
        rate: Any = optimizer.weight_decay
        left_out = [variable for _, variable in pairs if optimizer._is_undecayed(variable)]
        if left_out:
            mask = np.full(flat.size, optimizer.weight_decay, np.float32)
            for variable in left_out:
                start = flat.offsets[id(variable)]
                mask[start : start + variable.size] = 0.0
            rate = mask
        weights.assign_sub(weights * (rate * learning_rate))
    optimizer.update_step(gradient, weights, learning_rate)


def _clip(optimizer: Optimizer, grads: list[Any]) -> list[Any]:
    if optimizer.clipnorm is not None:
        return [_shrunk(grad, [grad], optimizer.clipnorm) for grad in grads]
    if optimizer.global_clipnorm is not None:
        return [_shrunk(grad, grads, optimizer.global_clipnorm) for grad in grads]
    if optimizer.clipvalue is not None:
        return [ops.clip(grad, -optimizer.clipvalue, optimizer.clipvalue) for grad in grads]
    return grads


def _shrunk(grad: Any, grads: list[Any], limit: float) -> Any:
    """grad, shortened so that the norm of all grads together is at most the limit."""
    total = sum(ops.sum(ops.square(one)) for one in grads)
    return grad * (limit / ops.maximum(ops.sqrt(total), limit))


def move_averages(optimizer: Optimizer, variables: Sequence[Variable]) -> None:
    """Moves the averages of these weights towards them; on the first update they become the weights."""
    momentum = optimizer.ema_momentum * ops.cast(ops.not_equal(optimizer._steps_done(), 0.0), "float32")
    for variable in variables:
        average = optimizer._model_variables_moving_average[optimizer._index[id(variable)]]
        average.assign(momentum * average + (1.0 - momentum) * variable)


def _overwrite_weights(optimizer: Optimizer, frequency: int) -> None:
    """Every so many updates the weights become their averages."""
    due = ops.equal(ops.mod(optimizer._steps_done() + 1.0, float(frequency)), 0.0)
    for variable in optimizer._trainable_variables:
        average = optimizer._model_variables_moving_average[optimizer._index[id(variable)]]
        variable.assign(ops.where(due, average, variable))
