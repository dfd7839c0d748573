"""What training makes small.

The base class and what all losses share (reduction, weights, masks) is in loss.py; the other files hold the losses by
family. Every class has a function of the same name in snake case, which gives one value per sample.
"""

from collections.abc import Mapping
from typing import Any

from linnet.losses.cosine_similarity import CosineSimilarity, cosine_similarity
from linnet.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from linnet.losses.ctc import CTC, ctc
from linnet.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
from linnet.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from linnet.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from linnet.losses.loss import Loss, LossFunctionWrapper
from linnet.losses.metric_learning import (
    Circle,
    Contrastive,
    TripletHard,
    TripletSemiHard,
    circle,
    contrastive,
    triplet_hard,
    triplet_semi_hard,
)
from linnet.losses.multiclass_hinge import (
    CrammerSingerHinge,
    WestonWatkinsHinge,
    crammer_singer_hinge,
    weston_watkins_hinge,
)
from linnet.losses.overlap import Dice, Tversky, dice, tversky
from linnet.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from linnet.saving.serialization import Lookup, serialize_keras_object

_CLASSES = (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CTC,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    Contrastive,
    CosineSimilarity,
    CrammerSingerHinge,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    TripletHard,
    TripletSemiHard,
    Tversky,
    WestonWatkinsHinge,
)
_FUNCTIONS = (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    contrastive,
    cosine_similarity,
    crammer_singer_hinge,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    triplet_hard,
    triplet_semi_hard,
    tversky,
    weston_watkins_hinge,
)
_lookup = Lookup(
    "loss",
    "losses",
    {cls.__name__: cls for cls in _CLASSES}
    | {function.__name__: function for function in _FUNCTIONS}
    | {
        "bce": binary_crossentropy,
        "BCE": binary_crossentropy,
        "kld": kl_divergence,
        "KLD": kl_divergence,
        "mae": mean_absolute_error,
        "MAE": mean_absolute_error,
        "mape": mean_absolute_percentage_error,
        "MAPE": mean_absolute_percentage_error,
        "mse": mean_squared_error,
        "MSE": mean_squared_error,
        "msle": mean_squared_logarithmic_error,
        "MSLE": mean_squared_logarithmic_error,
    },
)


def serialize(loss: Any) -> Any:
    """The configuration of a loss."""
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The loss object, or function, of a configuration or name."""
    return _lookup.deserialize(name, custom_objects)


def get(identifier: Any) -> Any:
    """The loss for a name, a configuration, a class or a callable; None stays None. Names give functions."""
    return _lookup.get(identifier)


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CTC",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "Contrastive",
    "CosineSimilarity",
    "CrammerSingerHinge",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "TripletHard",
    "TripletSemiHard",
    "Tversky",
    "WestonWatkinsHinge",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "contrastive",
    "cosine_similarity",
    "crammer_singer_hinge",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "triplet_hard",
    "triplet_semi_hard",
    "tversky",
    "weston_watkins_hinge",
]
