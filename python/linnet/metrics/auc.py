"""The area under a curve that all thresholds together draw: how well predictions put positives above negatives.

    ROC       recall over the share of negatives that are wrongly positive: 0.5 by chance, 1 at best
    PR        precision over recall, for rare positives; interpolated as Davis and Goadrich (2006) showed
    PRGAIN    both rescaled, so that "all positive" gives 0 (Flach and Kull, 2015)

The curve is drawn from the counts at `num_thresholds` thresholds, so it is exact over batches up to that grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet import config, ops
from linnet.backend.lookup import unknown_name
from linnet.losses.loss import as_float
from linnet.metrics.counts import confusion_counts
from linnet.metrics.operating_point import FourCounts

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


class AUC(FourCounts):
    """The area under the curve.

    summation_method: "interpolation" (trapezoids), "minoring" (rectangles below) or "majoring" (above).
    thresholds: own ones in (0, 1) instead of evenly spaced ones.
    multi_label: predictions (n, labels) are labels of their own; the result is the mean over them, weighted by
        label_weights. Without it, all elements are one list, weighted by label_weights.
    from_logits: predictions are scores; the sigmoid makes probabilities of them.
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        if str(curve).upper() not in CURVES:
            raise unknown_name("AUC curve", curve, CURVES)
        if str(summation_method).lower() not in SUMMATIONS:
            raise unknown_name("AUC summation_method", summation_method, SUMMATIONS)
        if num_labels and not multi_label:
            raise ValueError("AUC: num_labels needs multi_label=True")
        self.curve = str(curve).upper()
        self.summation_method = str(summation_method).lower()
        self._given_thresholds = None if thresholds is None else [float(t) for t in thresholds]
        if self._given_thresholds is not None:
            between = sorted(self._given_thresholds)
            if not all(0 <= t <= 1 for t in between):
                raise ValueError(f"AUC: thresholds must lie in [0, 1], got {thresholds!r}")
        elif isinstance(num_thresholds, int) and num_thresholds > 1:
            between = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        else:
            raise ValueError(f"AUC: num_thresholds must be an integer of at least 2, got {num_thresholds!r}")
        # The ends lie a little outside, so that everything is above the first and nothing above the last.
        self.thresholds = [-config.epsilon(), *between, 1.0 + config.epsilon()]
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, np.float32)
        self.from_logits = from_logits
        self._built = False
        if not multi_label:
            self._build((self.num_thresholds,))
        elif num_labels:
            self._build((self.num_thresholds, num_labels))

    def _build(self, shape: tuple[int, ...]) -> None:
        self._make_counts(shape)
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = as_float(y_pred)
        if not self._built:
            self._build((self.num_thresholds, y_pred.shape[-1]))
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        self._add(
            confusion_counts(
                self.name,
                y_true,
                y_pred,
                self.thresholds,
                sample_weight,
                label_weights=None if self.multi_label else self.label_weights,
                multi_label=self.multi_label,
            )
        )

    def result(self) -> Any:
        if not self._built:
            return np.float32(0.0)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._over_labels(self._interpolated_pr())
        if self.curve == "ROC":
            wrong = self.false_positives + self.true_negatives
            x, y = ops.divide_no_nan(self.false_positives, wrong), self._recall()
        elif self.curve == "PR":
            x, y = self._recall(), self._precision()
        else:
            x, y = self._gains()
        low, high = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            heights = (low + high) / 2.0
        else:
            heights = ops.minimum(low, high) if self.summation_method == "minoring" else ops.maximum(low, high)
        return self._over_labels((x[:-1] - x[1:]) * heights)

    def _gains(self) -> tuple[Any, Any]:
        """Recall gain and precision gain; 0 and 1 where nothing is truly positive, and no recall gain below 0."""
        scale = ops.divide_no_nan(
            self.true_positives + self.false_negatives, self.true_negatives + self.false_positives
        )
        some = ops.not_equal(self.true_positives, 0.0)
        recall = 1.0 - scale * ops.divide_no_nan(self.false_negatives, self.true_positives)
        precision = 1.0 - scale * ops.divide_no_nan(self.false_positives, self.true_positives)
        return ops.relu(ops.where(some, recall, 0.0)), ops.where(some, precision, 1.0)

    def _interpolated_pr(self) -> Any:
        """The areas between neighbouring thresholds, where true positives grow in a line with all positives."""
        positive = self.true_positives + self.false_positives
        slope = ops.divide_no_nan(
            self.true_positives[:-1] - self.true_positives[1:], ops.relu(positive[:-1] - positive[1:])
        )
        intercept = self.true_positives[1:] - slope * positive[1:]
        both = ops.logical_and(ops.greater(positive[:-1], 0.0), ops.greater(positive[1:], 0.0))
        ratio = ops.where(both, ops.divide_no_nan(positive[:-1], ops.relu(positive[1:])), 1.0)
        gained = self.true_positives[:-1] - self.true_positives[1:]
        area = slope * (gained + intercept * ops.log(ratio))
        return ops.divide_no_nan(area, ops.relu(self.true_positives[1:] + self.false_negatives[1:]))

    def _over_labels(self, areas: Any) -> Any:
        if not self.multi_label:
            return ops.sum(areas)
        by_label = ops.sum(areas, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        return ops.sum(by_label * self.label_weights) / float(self.label_weights.sum())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self._given_thresholds,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
        }
