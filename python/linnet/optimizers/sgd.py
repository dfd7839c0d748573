"""Gradient descent, plain or with momentum.

    velocity = momentum * velocity - learning_rate * gradient
    weight += velocity                                              (momentum)
    weight += momentum * velocity - learning_rate * gradient        (Nesterov)

Momentum adds up steps that point the same way and cancels those that go back and forth; Nesterov's form looks one step
ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.variable import Variable
from linnet.optimizers.optimizer import EngineRule, Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent."""

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "SGD",
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
        if not 0.0 <= momentum <= 1.0:
            raise ValueError(f"momentum must lie in [0, 1], not {momentum!r}")
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []

    def engine_rule(self) -> EngineRule:
        if not self.momentum:
            return EngineRule("sgd")
        name = "nesterov" if self.nesterov else "momentum"
        return EngineRule(name, [self._momentums], {"momentum": float(self.momentum)})

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        velocity = self._momentums[self._get_variable_index(variable)] if self.momentum else None
        if velocity is None:
            variable.assign_sub(gradient * learning_rate)
        else:
            step = gradient * learning_rate
            velocity.assign(velocity * self.momentum - step)
            variable.assign_add(velocity * self.momentum - step if self.nesterov else velocity)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
