"""Nadam: Adam that looks ahead, with Nesterov's momentum (Dozat, 2016).

u_t = beta_1 (1 - 0.5 * 0.96^t)                        momentum that grows with time
m, v as in Adam
weight -= learning_rate m^ / (sqrt(v / (1 - beta_2^t)) + epsilon)
m^ = u_{t+1} m / (1 - u_1 ... u_{t+1}) + (1 - u_t) g / (1 - u_1 ... u_t)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.backend.variable import Variable
from linnet.optimizers.optimizer import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov momentum."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        name: str = "nadam",
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
        for key, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"{key} must lie in [0, 1), not {beta!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        # The product of the momentums of all steps done.
        self._u_product = self._keep(self._variable(1.0, "u_product", "float32"), "u_product")

    def _momentum_at(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step))

    def before_update(self) -> None:
        self._u_product.assign(self._u_product * self._momentum_at(self._steps_done() + 1.0))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        step = self._steps_done() + 1.0
        now, ahead = self._momentum_at(step), self._momentum_at(step + 1.0)
        m.assign_add((gradient - m) * (1.0 - self.beta_1))
        v.assign_add((ops.square(gradient) - v) * (1.0 - self.beta_2))
        of_mean = learning_rate * ahead / (1.0 - self._u_product * ahead)
        of_gradient = learning_rate * (1.0 - now) / (1.0 - self._u_product)
        root = ops.sqrt(v * (1.0 / (1.0 - ops.power(self.beta_2, step))))
        variable.assign_sub((of_mean * m + of_gradient * gradient) / (root + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
