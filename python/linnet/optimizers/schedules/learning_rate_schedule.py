"""The base of all learning-rate schedules: a callable from the number of steps done to a learning rate.

Give one to an optimizer as its learning_rate: it is computed inside the compiled step, from `optimizer.iterations`. It
may also be called with a plain number, to plot it.
"""

from __future__ import annotations

from typing import Any, Self

from linnet import ops


class LearningRateSchedule:
    """Base class: define `__call__(step)` with `linnet.ops`, and `get_config`."""

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal schedule."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A schedule with these arguments."""
        return cls(**config)


def as_float(step: Any) -> Any:
    """The step as float32."""
    return ops.cast(step, "float32")


def checked_steps(name: str, value: Any) -> Any:
    """A number of steps, which must be positive."""
    if not value > 0:
        raise ValueError(f"{name} must be positive, not {value!r}")
    return value
