"""FTRL-Proximal: follow the regularized leader, for sparse linear models (McMahan et al., 2013).

    n' = n + g^2                                            n starts at initial_accumulator_value
    z += g + 2 l2_shrinkage w - (n'^-p - n^-p) / learning_rate w,      p = learning_rate_power
    w = (clip(z, -l1, l1) - z) / (n'^-p / learning_rate + 2 l2 + beta / learning_rate)

With l1 > 0, weights that hardly matter become exactly 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.backend.variable import Variable
from linnet.optimizers.optimizer import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "ftrl",
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
        )
        for key, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise ValueError(f"{key} must not be negative, got {value!r}")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power must not be positive, got {learning_rate_power!r}")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        starts = [float(self.initial_accumulator_value), "zeros"]
        self._accumulators, self._linears = self.add_optimizer_variables(variables, ["accumulator", "linear"], starts)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        squares, z = self._accumulators[index], self._linears[index]
        total = squares + ops.square(gradient)
        power = -float(self.learning_rate_power)
        slope = ops.power(total, power) / learning_rate
        pull = gradient
        if self.l2_shrinkage_regularization_strength:
            pull = gradient + (2.0 * self.l2_shrinkage_regularization_strength) * variable
        z.assign_add(pull - (slope - ops.power(squares, power) / learning_rate) * variable)
        limit = float(self.l1_regularization_strength)
        l2 = 2.0 * self.l2_regularization_strength + self.beta / learning_rate
        variable.assign((ops.clip(z, -limit, limit) - z) / (slope + l2))
        squares.assign(total)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
