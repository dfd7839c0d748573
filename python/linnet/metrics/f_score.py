"""F scores: one number for precision and recall, their harmonic mean.

    F_beta = (1 + beta^2) precision recall / (beta^2 precision + recall)

beta > 1 cares more for recall. y_true and y_pred are (n, classes); a prediction is positive when it is the largest of
its row, or above the threshold where one is given. average: None gives a score per class, "macro" their mean,
"weighted" their mean by how often each class occurs, "micro" the score of all classes counted together.
"""

from __future__ import annotations

from typing import Any

from linnet import config, ops
from linnet.backend.errors import ShapeError
from linnet.backend.lookup import unknown_name
from linnet.losses.loss import as_float, check_same_shape, shown
from linnet.metrics.metric import Metric


class FBetaScore(Metric):
    """The F score with recall counted beta times as much as precision."""

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise unknown_name("average", average, ("None", "micro", "macro", "weighted"))
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"beta must be a positive float, got {beta!r}")
        if threshold is not None and (not isinstance(threshold, float) or not 0.0 < threshold <= 1.0):
            raise ValueError(f"threshold must be None or a float in (0, 1], got {threshold!r}")
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._axis = None if average == "micro" else 0
        self._built = False

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, name="true_positives")
        self.false_positives = self.add_variable(shape, name="false_positives")
        self.false_negatives = self.add_variable(shape, name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, name="intermediate_weights")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_float(y_true), as_float(y_pred)
        check_same_shape(self.name, y_true, y_pred)
        if len(y_pred.shape) != 2:
            raise ShapeError(f"{self.name}: expected labels and predictions (n, classes), got {shown(y_pred.shape)}")
        if not self._built:
            self._build(y_pred.shape[-1])
        if self.threshold is None:
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            # A row of zeros predicts nothing.
            positive = ops.logical_and(largest, ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            positive = ops.greater(y_pred, self.threshold)
        positive = ops.cast(positive, "float32")
        weights = 1.0 if sample_weight is None else ops.reshape(as_float(sample_weight), (-1, 1))
        for total, part in (
            (self.true_positives, positive * y_true),
            (self.false_positives, positive * (1.0 - y_true)),
            (self.false_negatives, (1.0 - positive) * y_true),
            (self.intermediate_weights, y_true),
        ):
            total.assign_add(ops.sum(part * weights, axis=self._axis))

    def result(self) -> Any:
        if not self._built:
            return ops.convert_to_tensor(0.0)
        epsilon = config.epsilon()
        precision = self.true_positives / (self.true_positives + self.false_positives + epsilon)
        recall = self.true_positives / (self.true_positives + self.false_negatives + epsilon)
        squared = self.beta**2
        scores = (1.0 + squared) * (precision * recall / (squared * precision + recall + epsilon))
        if self.average == "weighted":
            shares = self.intermediate_weights / (ops.sum(self.intermediate_weights) + epsilon)
            return ops.sum(scores * shares)
        return scores if self.average is None else ops.mean(scores)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall."""

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str = "f1_score", dtype: Any = None
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
