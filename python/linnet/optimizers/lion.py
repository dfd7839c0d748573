"""Lion: only the sign of an average of gradients counts: every weight moves by the learning rate (Chen et al., 2023).

    weight -= learning_rate sign(beta_1 m + (1 - beta_1) g)
    m = beta_2 m + (1 - beta_2) g

One slot instead of Adam's two. Learning rates are three to ten times smaller than Adam's, weight decay as much larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.backend.variable import Variable
from linnet.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """Evolved sign momentum."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "lion",
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
        if not 0.0 < beta_1 <= 1.0:
            raise ValueError(
                f"beta_1 must lie in (0, 1], not {beta_1!r}: with 0 this would be the sign of the gradient"
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m = self._momentums[self._get_variable_index(variable)]
        variable.assign_sub(learning_rate * ops.sign(self.beta_1 * m + (1.0 - self.beta_1) * gradient))
        m.assign(self.beta_2 * m + (1.0 - self.beta_2) * gradient)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
        }
