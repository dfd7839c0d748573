"""Learning rates that depend on the step."""

from collections.abc import Mapping
from typing import Any

from linnet.optimizers.schedules.cosine_decay import CosineDecay
from linnet.optimizers.schedules.cosine_decay_restarts import CosineDecayRestarts
from linnet.optimizers.schedules.exponential_decay import ExponentialDecay
from linnet.optimizers.schedules.inverse_time_decay import InverseTimeDecay
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from linnet.optimizers.schedules.one_cycle import OneCycle
from linnet.optimizers.schedules.piecewise_constant_decay import PiecewiseConstantDecay
from linnet.optimizers.schedules.polynomial_decay import PolynomialDecay
from linnet.saving.serialization import Lookup, serialize_keras_object

_CLASSES = (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
_lookup = Lookup("learning-rate schedule", "optimizers.schedules", {cls.__name__: cls for cls in _CLASSES})


def serialize(learning_rate_schedule: Any) -> Any:
    """The configuration of a schedule."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule of a configuration."""
    return _lookup.deserialize(config, custom_objects)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
