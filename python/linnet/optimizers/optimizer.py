"""The base of all optimizers: from gradients to changed weights.

An optimizer is one method, `update_step(gradient, variable, learning_rate)`, written with `linnet.ops` and `assign`;
`build(variables)` makes what it remembers per variable (momentum and the like: its *slots*). Everything is recorded
into the training step and compiled with it. `apply(gradients, variables)` does, in this order: accumulation, clipping,
weight decay, update_step, the moving average of the weights, constraints, iterations + 1.

In `fit` all trainable weights lie in one flat array (backend/flat.py), and the slots in arrays laid out alike. The
optimizers of this package name the rule they follow (`engine_rule`): then all of the above but the constraints is one
launch of the engine's `update` over those arrays. One that defines update_step only is composed of operations
(composed.py), recorded once for the whole range:
`self._momentums[self._get_variable_index(variable)]` is the flat array of all momentums when `variable` is the flat
array of all weights, so that the same update_step serves both. A subclass that makes its slots by hand
(`add_variable_from_reference`) instead of with `add_optimizer_variables` is recorded weight by weight.

The learning rate is a variable, or a schedule computed from `iterations` inside the step: changing it never compiles
anew. The step count is exact up to 2^24.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from linnet import ops
from linnet.backend.flat import FlatParameters
from linnet.backend.naming import auto_name, name_scope
from linnet.backend.program import ProgramCache, run_eagerly
from linnet.backend.trace import Trace, current_trace
from linnet.backend.tree import freeze
from linnet.backend.variable import Variable
from linnet.optimizers import composed
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

# Weights of so many floats (1 MB) are updated on their own, during backward: a launch costs them less than 2 %.
LARGE = 1 << 18


class EngineRule(NamedTuple):
    """A rule that the engine's `update` knows: its name, the lists of slots (None: not kept) and its numbers."""

    name: str
    slots: Sequence[Sequence[Variable] | None] = ()
    numbers: Mapping[str, float] = {}


class Optimizer:
    """Base class: define `update_step`, `get_config` and, where something is remembered, `build`."""

    weight_by_weight = False  # whether update_step must see every weight on its own, because it takes its norm

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
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
        if use_ema:
            if not 0.0 <= ema_momentum <= 1.0:
                raise ValueError(f"ema_momentum must lie in [0, 1], not {ema_momentum!r}")
            _expect_count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        _expect_count("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        if loss_scale_factor is not None and not loss_scale_factor > 0:
            raise ValueError(f"loss_scale_factor must be positive, not {loss_scale_factor!r}")
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
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
        self._model_variables_moving_average: list[Variable] = []  # with use_ema
        self._accumulated_gradients: list[Variable] = []  # with gradient_accumulation_steps
        self._programs: ProgramCache | None = None  # of updates outside of a training step
        self._calls = self._keep(self._variable(0, "iterations", "int32"), "iterations")
        self._learning_rate: Any = None
        self._set_learning_rate(learning_rate)

    # ---- for subclasses ----------------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Prepares for these variables. Subclasses call super().build(variables) and then make their slots."""
        self._trainable_variables = list(variables)
        self._index = {id(variable): index for index, variable in enumerate(self._trainable_variables)}
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = self.add_optimizer_variables(variables, "gradient_accumulator")
        self.built = True

    def engine_rule(self) -> EngineRule | None:
        """The rule by which the engine can do what this class's update_step does, or None."""
        return None

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assigns new values to one variable and its slots."""
        raise NotImplementedError(f"{type(self).__name__} must define update_step(gradient, variable, learning_rate)")

    def before_update(self) -> None:
        """What is to be done once per update, before the first update_step. Nothing here."""

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
            value = np.full(reference.shape, value, np.float32) if value else np.zeros(reference.shape, np.float32)
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

    @property
    def iterations(self) -> Any:
        """How many updates were done: with gradient accumulation, one for so many calls of `apply`."""
        steps = self.gradient_accumulation_steps
        return ops.floor_divide(self._calls, steps) if steps else self._calls

    @property
    def steps_taken(self) -> int:
        """How many times `apply` ran in training steps, whether it accumulated or updated."""
        return int(self._calls._array)

    def _steps_done(self) -> Any:
        """iterations as float32, which the engine computes with."""
        return ops.cast(self.iterations, "float32")

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
        if trace is None:
            self._apply_at_once(pairs)
            return
        flat = trace.flat
        if flat is not None and (self._by_hand or self.weight_by_weight or not self._covers(flat, variables)):
            flat = None
        rule = self.engine_rule() if self._follows_engine_rule() else None
        if flat is not None:
            self._lay_out(flat)
        if flat is not None and rule is not None:
            self._apply_in_one_pass(trace, flat, pairs, rule)
        else:
            composed.apply(self, flat, pairs)
        for _, variable in pairs:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self._calls.assign(ops.cast(ops.cast(self._calls, "float32") + 1.0, "int32"))

    def _apply_at_once(self, pairs: list[tuple[Any, Variable]]) -> None:
        """`apply` on arrays, by a program that is kept for these variables and settings."""
        variables = [variable for _, variable in pairs]
        settings = {k: v for k, v in vars(self).items() if isinstance(v, (bool, int, float, str, type(None)))}
        rate = self._learning_rate if isinstance(self._learning_rate, (Variable, LearningRateSchedule)) else None
        # A learning rate that is a function of one's own is asked at every call.
        key = None if rate is None else (tuple(map(id, variables)), freeze(settings), id(rate))
        if self._programs is None:
            self._programs = ProgramCache(4)
        run_eagerly(key, lambda grads: self.apply(grads, variables), [g for g, _ in pairs], cache=self._programs)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> None:
        """`apply` for pairs of gradient and variable."""
        pairs = list(grads_and_vars)
        self.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])

    def _covers(self, flat: FlatParameters, variables: Sequence[Variable]) -> bool:
        return [id(variable) for variable in flat.variables] == [id(variable) for variable in variables] and [
            id(variable) for variable in variables
        ] == [id(variable) for variable in self._trainable_variables]

    def _follows_engine_rule(self) -> bool:
        """Whether update_step is still that of the class which named the rule."""

        def owner(method: str) -> type:
            return next(cls for cls in type(self).__mro__ if method in vars(cls))

        return issubclass(owner("engine_rule"), owner("update_step"))

    def _apply_in_one_pass(
        self, trace: Trace, flat: FlatParameters, pairs: list[tuple[Any, Variable]], rule: EngineRule
    ) -> None:
        """Records the engine's `update`: one launch for all small weights, wherever their gradients lie, and one for
        each large weight. The engine runs these during backward, as soon as the gradient is there: the memory of large
        gradients is then free again. A norm over all gradients needs all of them, and so leaves one launch."""
        weights = flat.variable
        pairs = sorted(pairs, key=lambda pair: flat.offsets[id(pair[1])])
        # The flat array comes last in a list of slots. What this update does not have is given as the weights.
        kept = [slots[-1] if slots else weights for slots in [*rule.slots, None, None, None][:3]]
        average = self._model_variables_moving_average[-1] if self.use_ema else weights
        accumulator = self._accumulated_gradients[-1] if self.gradient_accumulation_steps else weights
        numbers = [trace.tensor(self._get_current_learning_rate()), trace.read(self._calls)]
        small = [pair for pair in pairs if pair[1].size < LARGE or self.global_clipnorm is not None]
        alone = [[pair] for pair in pairs if pair[1].size >= LARGE and self.global_clipnorm is None]
        for group in [*alone, small] if small else alone:
            trace.effect(
                "update",
                [weights, *kept, average, accumulator, *numbers, *[trace.tensor(grad) for grad, _ in group]],
                rule=rule.name,
                offsets=[flat.offsets[id(variable)] for _, variable in group],
                undecayed=[i for i, (_, variable) in enumerate(group) if self._is_undecayed(variable)],
                weight_decay=float(self.weight_decay or 0.0),
                clipnorm=float(self.clipnorm or self.global_clipnorm or 0.0),
                global_norm=self.global_clipnorm is not None,
                clipvalue=float(self.clipvalue or 0.0),
                loss_scale_factor=float(self.loss_scale_factor or 1.0),
                accumulation=int(self.gradient_accumulation_steps or 0),
                ema_momentum=float(self.ema_momentum) if self.use_ema else 0.0,
                overwrite_frequency=int((self.use_ema and self.ema_overwrite_frequency) or 0),
                **rule.numbers,
            )
        if self.use_ema:  # these visit weights with a gradient only
            moved = {id(variable) for _, variable in pairs}
            composed.move_averages(self, [v for v in self._trainable_variables if id(v) not in moved])

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

    def scale_loss(self, loss: Any) -> Any:
        """The loss times loss_scale_factor, whose gradients `apply` takes."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """At the end of training: with use_ema, gives the weights their moving averages."""
        if not self.use_ema:
            return
        if len(var_list) != len(self._trainable_variables):
            raise ValueError(
                f"{self.name}: {len(var_list)} variables were given, but there are moving averages of "
                f"{len(self._trainable_variables)}"
            )
        for variable in var_list:
            variable.assign(self._model_variables_moving_average[self._index[id(variable)]])

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
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """An optimizer with these arguments."""
        from linnet.saving.serialization import deserialize_keras_object

        if isinstance(config.get("learning_rate"), dict):
            rate = deserialize_keras_object(config["learning_rate"], custom_objects)
            config = {**config, "learning_rate": rate}
        return cls(**config)


def _expect_count(name: str, value: Any, least: int) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise ValueError(f"{name} must be None or an integer of at least {least}, not {value!r}")
