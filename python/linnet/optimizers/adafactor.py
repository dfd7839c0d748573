"""Adafactor: Adam's second moments of a matrix from one number per row and one per column (Shazeer & Stern, 2018).

    r, c = means of g^2 + epsilon_1 over the rows and over the columns, averaged with weight t^beta_2_decay
    v = r c / mean(r)                                       a vector has v itself
    u = g / sqrt(v), shortened to a root mean square of clip_threshold
    weight -= max(epsilon_2, rms(weight)) min(learning_rate, 1 / sqrt(t)) u

The slots of a matrix (m, n) are m + n numbers. Of weights of more axes the last two are factored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.backend.variable import Variable
from linnet.optimizers.optimizer import Optimizer


class Adafactor(Optimizer):
    """Factored second moments."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "adafactor",
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._moments = [self._moments_of(variable) for variable in variables]

    def _moments_of(self, variable: Variable) -> list[Variable]:
        shape = tuple(variable.shape)
        if len(shape) < 2:
            return [self.add_variable_from_reference(variable, "velocity")]
        path = variable.path.replace("/", "_")
        shapes = {"rows": shape[:-1], "columns": (*shape[:-2], shape[-1])}
        return [self.add_variable(own, name=f"{path}_{name}") for name, own in shapes.items()]

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        step = self._steps_done() + 1.0
        slowest = 1.0 / ops.sqrt(step)
        rate = ops.minimum(learning_rate, slowest)
        size = ops.sqrt(ops.mean(ops.square(variable)))
        squares = ops.square(gradient) + self.epsilon_1
        keep = 1.0 - ops.power(step, float(self.beta_2_decay))
        moments = self._moments[self._get_variable_index(variable)]
        axes = [-1, -2] if len(moments) == 2 else [None]
        for moment, axis in zip(moments, axes, strict=True):
            new = squares if axis is None else ops.mean(squares, axis=axis)
            moment.assign(keep * moment + (1.0 - keep) * new)
        if len(moments) == 2:
            rows, columns = moments
            shares = rows / ops.mean(rows, axis=-1, keepdims=True)
            v = ops.expand_dims(shares, -1) * ops.expand_dims(columns, -2)
        else:
            v = moments[0] * 1.0
        update = gradient / ops.sqrt(v)
        update = update / ops.maximum(1.0, ops.sqrt(ops.mean(ops.square(update))) / self.clip_threshold)
        variable.assign_sub(ops.maximum(self.epsilon_2, size) * rate * update)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
