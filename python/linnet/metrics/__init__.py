"""What is measured while training and evaluating.

The base class is in metric.py, sums and means over batches in reduction.py; the other files hold the metrics by
family. Most are the mean of a function of `linnet.losses`.
"""

from collections.abc import Mapping
from typing import Any

from linnet.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
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
)
from linnet.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from linnet.metrics.hinge import CategoricalHinge, Hinge, SquaredHinge
from linnet.metrics.metric import Metric
from linnet.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
)
from linnet.metrics.reduction import Mean, MeanMetricWrapper, Sum
from linnet.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    RootMeanSquaredError,
    cosine_similarity,
)
from linnet.saving.serialization import Lookup, serialize_keras_object

_CLASSES: tuple[type[Metric], ...] = (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanMetricWrapper,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredHinge,
    Sum,
    TopKCategoricalAccuracy,
)
# Names in snake case give metric objects where there is a class, and functions elsewhere.
_lookup = Lookup(
    "metric",
    "metrics",
    {cls.__name__: cls for cls in _CLASSES}
    | {
        "accuracy": Accuracy,
        "bce": BinaryCrossentropy,
        "BCE": BinaryCrossentropy,
        "binary_accuracy": BinaryAccuracy,
        "binary_crossentropy": BinaryCrossentropy,
        "categorical_accuracy": CategoricalAccuracy,
        "categorical_crossentropy": CategoricalCrossentropy,
        "categorical_hinge": CategoricalHinge,
        "cosine_similarity": CosineSimilarity,
        "hinge": Hinge,
        "huber": huber,
        "kl_divergence": KLDivergence,
        "kld": KLDivergence,
        "KLD": KLDivergence,
        "log_cosh": log_cosh,
        "logcosh": LogCoshError,
        "mae": MeanAbsoluteError,
        "MAE": MeanAbsoluteError,
        "mape": MeanAbsolutePercentageError,
        "MAPE": MeanAbsolutePercentageError,
        "mean_absolute_error": MeanAbsoluteError,
        "mean_absolute_percentage_error": MeanAbsolutePercentageError,
        "mean_squared_error": MeanSquaredError,
        "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
        "mse": MeanSquaredError,
        "MSE": MeanSquaredError,
        "msle": MeanSquaredLogarithmicError,
        "MSLE": MeanSquaredLogarithmicError,
        "poisson": Poisson,
        "rmse": RootMeanSquaredError,
        "RMSE": RootMeanSquaredError,
        "root_mean_squared_error": RootMeanSquaredError,
        "sparse_categorical_accuracy": SparseCategoricalAccuracy,
        "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
        "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy,
        "squared_hinge": SquaredHinge,
        "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    },
)


def serialize(metric: Any) -> Any:
    """The configuration of a metric."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The metric of a configuration or name."""
    return _lookup.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """The metric for a name, a configuration, a class or a callable; None stays None."""
    return _lookup.get(identifier)


__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "binary_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
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
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
