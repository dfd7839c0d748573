"""How weights change."""

from collections.abc import Mapping
from typing import Any

from linnet.optimizers import schedules
from linnet.optimizers.adadelta import Adadelta
from linnet.optimizers.adafactor import Adafactor
from linnet.optimizers.adagrad import Adagrad
from linnet.optimizers.adam import Adam
from linnet.optimizers.adamax import Adamax
from linnet.optimizers.adamw import AdamW
from linnet.optimizers.ftrl import Ftrl
from linnet.optimizers.lamb import Lamb
from linnet.optimizers.lbfgs import LBFGS, LBFGSResult
from linnet.optimizers.lion import Lion
from linnet.optimizers.nadam import Nadam
from linnet.optimizers.optimizer import Optimizer
from linnet.optimizers.rmsprop import RMSprop
from linnet.optimizers.sgd import SGD
from linnet.saving.serialization import Lookup, serialize_keras_object

_CLASSES = (SGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, Nadam, RMSprop)
_lookup = Lookup(
    "optimizer",
    "optimizers",
    {cls.__name__: cls for cls in _CLASSES} | {cls.__name__.lower(): cls for cls in _CLASSES},
)


def serialize(optimizer: Any) -> Any:
    """The configuration of an optimizer."""
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer of a configuration or name."""
    return _lookup.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """The optimizer for a name ("adam"), a configuration, a class or an optimizer."""
    if isinstance(identifier, Optimizer):
        return identifier
    if callable(identifier) and not isinstance(identifier, type):
        raise ValueError(f"cannot read {identifier!r} as an optimizer")
    return _lookup.get(identifier)


__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "LBFGSResult",
    "Lamb",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
