"""The base of all optimizers: from gradients to changed weights.

An optimizer is one method, `update_step(gradient, variable, learning_rate)`, written with `linnet.ops` and `assign`;
`build(variables)` makes what it remembers per variable (momentum and the like: its *slots*). Everything is recorded
into the training step and compiled with it. `apply(gradients, variables)` does, in this order: clipping, weight decay,
update_step, constraints, iterations + 1.

In `fit` all trainable weights lie in one flat array (backend/flat.py). Then the slots are laid out in the same way, the
gradients are packed, and update_step is recorded once for the whole range instead of once per weight:
`self._momentums[self._get_variable_index(variable)]` is the flat array of all momentums when `variable` is the flat
array of all weights. So the same update_step serves both, and subclasses need not know. A subclass that makes its slots
by hand (`add_variable_from_reference`) instead of with `add_optimizer_variables` is recorded weight by weight.

The learning rate is a variable, or a schedule computed from `iterations` inside the step: changing it never compiles
anew. `iterations` counts exactly up to 2^24.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from linnet import ops
from linnet.backend.flat import FlatParameters
from linnet.backend.naming import auto_name, name_scope
from linnet.backend.trace import Trace, current_trace
from linnet.backend.variable import Variable
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule


class Optimizer:
    """Base class: define `update_step`, `get_config` and, where something is remembered, `build`."""

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        clipping = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [key for key, value in clipping.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"only one of clipnorm, clipvalue and global_clipnorm can be set, got {', '.join(given)}")
        for key, value in clipping.items():
            if value is not None and not value > 0:
                raise ValueError(f"{key} must be positive, not {value!r}")
        if weight_decay is not None and weight_decay < 0:
            raise ValueError(f"weight_decay must not be negative, got {weight_decay!r}")
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.built = False
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}  # id(variable) -> its position
        self._slot_lists: list[list[Variable]] = []  # per slot name: one variable per weight, then the flat one
        self._by_hand = False  # a subclass made slots outside of _slot_lists
        self._flat: Variable | None = None  # the flat weights that the slots are laid out for
        self._layouts: list[FlatParameters] = []  # of the slots, one per list of slots
        self._undecayed: set[int] = set()  # ids of variables without weight decay
        self._undecayed_names: tuple[str, ...] = ()
        self._entries: list[tuple[Variable, str, Variable | None]] = []  # all state: variable, name, weight it is for
        self.iterations = self._keep(self._variable(0, "iterations", "int32"), "iterations")
        self._learning_rate: Any = None
        self._set_learning_rate(learning_rate)

    # ---- for subclasses ----------------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Prepares for these variables. Subclasses call super().build(variables) and then make their slots."""
        self._trainable_variables = list(variables)
        self._index = {id(variable): index for index, variable in enumerate(self._trainable_variables)}
        self.built = True

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assigns new values to one variable and its slots."""
        raise NotImplementedError(f"{type(self).__name__} must define update_step(gradient, variable, learning_rate)")

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str | Sequence[str], initializer: Any = "zeros"
    ) -> Any:
        """A slot for each variable: a list, or one list for each name. initializer: "zeros", or a number."""
        names = [name] if isinstance(name, str) else list(name)
        values = [initializer] * len(names) if isinstance(initializer, (str, float, int)) else list(initializer)
        lists = []
        for slot, value in zip(names, values, strict=True):
            slots = [self._slot(variable, slot, value) for variable in trainable_variables]
            self._slot_lists.append(slots)
            lists.append(slots)
        return lists[0] if isinstance(name, str) else lists

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """One slot for one variable."""
        self._by_hand = True
        return self._slot(reference_variable, name or "slot", initializer)

    def add_variable(
        self, shape: Sequence[int] = (), initializer: Any = "zeros", dtype: Any = None, name: str | None = None
    ) -> Variable:
        """A variable of the optimizer that belongs to no weight."""
        self._by_hand = True
        with name_scope(self.name):
            variable = Variable(initializer, shape=tuple(shape), dtype=dtype, trainable=False, name=name)
        return self._keep(variable, variable.name)

    def _slot(self, reference: Variable, name: str, initializer: Any) -> Variable:
        value = 0.0 if initializer == "zeros" else initializer
        if isinstance(value, (float, int)):
            value = np.full(reference.shape, value, np.float32)
        path = f"{reference.path.replace('/', '_')}_{name}"
        with name_scope(self.name):
            variable = Variable(value, shape=reference.shape, dtype="float32", trainable=False, name=path)
        return self._keep(variable, name, reference)

    def _keep(self, variable: Variable, name: str, reference: Variable | None = None) -> Variable:
        self._entries.append((variable, name, reference))
        return variable

    def _variable(self, value: Any, name: str, dtype: str) -> Variable:
        with name_scope(self.name):
            return Variable(np.asarray(value), dtype=dtype, trainable=False, name=name)

    def _get_variable_index(self, variable: Variable) -> int:
        """The position of a variable's slots in the lists of slots; the flat array's come last."""
        return len(self._trainable_variables) if variable is self._flat else self._index[id(variable)]

    def _steps_done(self) -> Any:
        """iterations as float32, which the engine computes with."""
        return ops.cast(self.iterations, "float32")

    def _in_place(self, variable: Variable) -> Trace | None:
        """The running trace, if the engine's own update operations can write this variable's memory there."""
        trace = current_trace()
        if trace is None or (trace.flat is not None and id(variable) in trace.flat.offsets):
            return None  # eagerly, or one weight inside the flat array
        return trace

    def assign(self, variable: Variable, value: Any) -> None:
        """variable = value."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """variable += value."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """variable -= value."""
        variable.assign_sub(value)

    # ---- the learning rate -------------------------------------------------------------------------------------------

    def _set_learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule):
            if isinstance(self._learning_rate, Variable):
                self._entries = [entry for entry in self._entries if entry[0] is not self._learning_rate]
            self._learning_rate = value
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(value)
        elif isinstance(value, (bool, str)) or not (np.isscalar(value) or getattr(value, "shape", None) == ()):
            if not callable(value):
                raise ValueError(f"learning_rate must be a number, a LearningRateSchedule or a callable, not {value!r}")
            self._learning_rate = value
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                "this optimizer was made with a learning-rate schedule, so its learning rate cannot be set; make it "
                "with a number to change the rate later"
            )
        else:
            rate = self._variable(np.float32(value), "learning_rate", "float32")
            self._learning_rate = self._keep(rate, "learning_rate")

    def _get_current_learning_rate(self) -> Any:
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self.iterations)
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step: a variable, or what the schedule gives now."""
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._set_learning_rate(value)

    @property
    def variables(self) -> list[Variable]:
        """All state: iterations, the learning rate where it is a variable, and the slots."""
        return [variable for variable, _, _ in self._entries]

    def named_state(self, weight_names: Mapping[int, str]) -> dict[str, Variable]:
        """All state by name: "iterations", "dense/kernel/momentum". weight_names: id(weight) -> "dense/kernel"."""
        return {
            name if weight is None else f"{weight_names[id(weight)]}/{name}": variable
            for variable, name, weight in self._entries
        }

    # ---- applying ----------------------------------------------------------------------------------------------------

    def apply(self, grads: Iterable[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Changes the variables by their gradients (None: the loss does not depend on this variable)."""
        grads = list(grads)
        if trainable_variables is not None:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        else:
            variables = self._trainable_variables
        if len(grads) != len(variables):
            raise ValueError(f"{self.name}: {len(grads)} gradients for {len(variables)} variables")
        unknown = [variable.path for variable in variables if id(variable) not in self._index]
        if unknown:
            raise ValueError(
                f"{self.name} was built for other variables and does not know {', '.join(unknown)}; use a new "
                f"optimizer (or compile again) when the set of trainable variables has changed"
            )
        pairs = [(grad, variable) for grad, variable in zip(grads, variables, strict=True) if grad is not None]
        if not pairs:
            raise ValueError(f"{self.name}: no gradients for any variable: the loss depends on none of them")
        trace = current_trace()
        flat = trace.flat if trace is not None else None
        if flat is not None and not self._by_hand and self._covers(flat, variables):
            self._apply_flat(flat, pairs)
        else:
            self._apply_each(pairs)
        for _, variable in pairs:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self.iterations.assign(ops.cast(self._steps_done() + 1.0, "int32"))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> None:
        """`apply` for pairs of gradient and variable."""
        pairs = list(grads_and_vars)
        self.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])

    def _covers(self, flat: FlatParameters, variables: Sequence[Variable]) -> bool:
        return [id(variable) for variable in flat.variables] == [id(variable) for variable in variables] and [
            id(variable) for variable in variables
        ] == [id(variable) for variable in self._trainable_variables]

    def _apply_each(self, pairs: list[tuple[Any, Variable]]) -> None:
        learning_rate = self._get_current_learning_rate()
        grads = self._clip([grad for grad, _ in pairs])
        for grad, (_, variable) in zip(grads, pairs, strict=True):
            if self.weight_decay and not self._is_undecayed(variable):
                variable.assign_sub(variable * (self.weight_decay * learning_rate))
            self.update_step(grad, variable, learning_rate)

    def _apply_flat(self, flat: FlatParameters, pairs: list[tuple[Any, Variable]]) -> None:
        trace = current_trace()
        assert trace is not None
        self._lay_out(flat)
        learning_rate = self._get_current_learning_rate()
        grads = [grad for grad, _ in pairs]
        # A norm per weight needs the gradients apart; the other clippings are one pass over the packed ones.
        if self.clipnorm is not None:
            grads = self._clip(grads)
        offsets = [flat.offsets[id(variable)] for _, variable in pairs]
        gradient = trace.add("pack", [trace.tensor(grad) for grad in grads], offsets=offsets, size=flat.size)
        if self.clipnorm is None:
            (gradient,) = self._clip([gradient])
        weights = flat.variable
        if self.weight_decay:
            rate: Any = self.weight_decay
            left_out = [variable for _, variable in pairs if self._is_undecayed(variable)]
            if left_out:
                mask = np.full(flat.size, self.weight_decay, np.float32)
                for variable in left_out:
                    start = flat.offsets[id(variable)]
                    mask[start : start + variable.size] = 0.0
                rate = mask
            weights.assign_sub(weights * (rate * learning_rate))
        self.update_step(gradient, weights, learning_rate)

    def _lay_out(self, flat: FlatParameters) -> None:
        """Gives the slots the layout of the weights, and the lists of slots their flat last entry.

        Programs compiled for this layout keep its arrays, so it stays as long as the weights stay where they are.
        """
        count = len(self._trainable_variables)
        kept = all(layout.valid(slots[:count]) for layout, slots in zip(self._layouts, self._slot_lists, strict=False))
        if self._flat is flat.variable and len(self._layouts) == len(self._slot_lists) and kept:
            return
        self._layouts = []
        for slots in self._slot_lists:
            del slots[count:]
            self._layouts.append(FlatParameters(slots))
            slots.append(self._layouts[-1].variable)
        self._flat = flat.variable

    def _clip(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm is not None:
            return [self._scaled(grad, [grad], self.clipnorm) for grad in grads]
        if self.global_clipnorm is not None:
            return [self._scaled(grad, grads, self.global_clipnorm) for grad in grads]
        if self.clipvalue is not None:
            return [ops.clip(grad, -self.clipvalue, self.clipvalue) for grad in grads]
        return grads

    @staticmethod
    def _scaled(grad: Any, grads: list[Any], limit: float) -> Any:
        """grad, shortened so that the norm of all grads together is at most the limit."""
        total = sum(ops.sum(ops.square(one)) for one in grads)
        return grad * (limit / ops.maximum(ops.sqrt(total), limit))

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Leaves variables, or all whose path contains one of the names, out of the weight decay. Call before fit."""
        if self.built:
            raise ValueError("exclude_from_weight_decay() must be called before the optimizer is built")
        self._undecayed = {id(variable) for variable in var_list or ()}
        self._undecayed_names = tuple(var_names or ())

    def _is_undecayed(self, variable: Variable) -> bool:
        return id(variable) in self._undecayed or any(name in variable.path for name in self._undecayed_names)

    # ---- configuration -----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, without its state."""
        from linnet.saving.serialization import serialize_keras_object

        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": float(rate.numpy()) if isinstance(rate, Variable) else serialize_keras_object(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """An optimizer with these arguments."""
        from linnet.saving.serialization import deserialize_keras_object

        if isinstance(config.get("learning_rate"), dict):
            rate = deserialize_keras_object(config["learning_rate"], custom_objects)
            config = {**config, "learning_rate": rate}
        return cls(**config)
