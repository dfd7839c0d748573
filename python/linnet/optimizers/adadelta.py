"""Adadelta: steps in the size of recent steps, so that a learning rate is hardly needed (Zeiler, 2012).

    v = rho v + (1 - rho) g^2                              the mean square of recent gradients
    step = sqrt(d + epsilon) / sqrt(v + epsilon) g
    d = rho d + (1 - rho) step^2                           the mean square of recent steps
    weight -= learning_rate step

The steps have the unit of the weights. The paper's form has learning_rate=1; Keras's default is 0.001.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.backend.variable import Variable
from linnet.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Adaptive steps without a global step size."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "adadelta",
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
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        squares, steps = self._accumulated_grads[index], self._accumulated_delta_vars[index]
        squares.assign(self.rho * squares + (1.0 - self.rho) * ops.square(gradient))
        step = ops.sqrt(steps + self.epsilon) * gradient / ops.sqrt(squares + self.epsilon)
        steps.assign(self.rho * steps + (1.0 - self.rho) * ops.square(step))
        variable.assign_sub(learning_rate * step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
