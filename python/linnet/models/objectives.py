"""What `compile` was given as losses and metrics, matched to a model's outputs.

Both may be one thing, a list (one entry per output), or a dict by output names. Matching needs the outputs, so it
happens at the first trace: "accuracy", for instance, becomes binary, categorical or sparse accuracy by the shapes
it sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.lookup import unknown_name
from linnet.backend.tensor import Tensor
from linnet.backend.tree import flatten
from linnet.metrics.metric import Metric
from linnet.models.trackers import LossTracker


def per_output(what: str, given: Any, names: Sequence[str], count: int) -> list[Any]:
    """One entry per output from a list, or a dict by output names; the entries themselves are not looked at."""
    if isinstance(given, dict):
        for key in given:
            if key not in names:
                raise unknown_name(f"output in the dict of {what}", key, names)
        return [given.get(name) for name in names]
    if len(given) != count:
        raise ValueError(
            f"{what}: the model has {count} outputs ({', '.join(names)}), got a list of {len(given)}; "
            "give one entry per output (None for an output without), or a dict by output names"
        )
    return list(given)


def targets_by_output(y: Any, names: Sequence[str], count: int) -> list[Any]:
    """The targets in the order of the outputs; y is one target, a list, a dict by output names, or None."""
    if y is None:
        return [None] * count
    if isinstance(y, dict):
        if all(name in y for name in names):
            return [y[name] for name in names]
        unknown = [key for key in y if key not in names]
        if unknown:
            raise unknown_name("output in the dict of targets", unknown[0], names)
        return [y.get(name) for name in names]
    leaves = flatten(y)
    if len(leaves) != count:
        raise ValueError(
            f"y: the model has {count} output{'s' if count > 1 else ''} ({', '.join(names)}), got {len(leaves)} targets"
        )
    return leaves


def weights_by_output(sample_weight: Any, names: Sequence[str], count: int) -> list[Any]:
    """The sample weights in the order of the outputs; one for all is used for each."""
    if sample_weight is None or isinstance(sample_weight, dict):
        return [sample_weight.get(name) if sample_weight else None for name in names]
    leaves = flatten(sample_weight)
    return leaves * count if len(leaves) == 1 else targets_by_output(sample_weight, names, count)


class Losses:
    """The losses of a compiled model. With several, `trackers` has the mean of each, by the name of its output."""

    def __init__(self, loss: Any, weights: Any) -> None:
        self._given = loss
        self._weights_given = weights
        self._losses: list[Any] | None = None
        self._weights: list[float] = []
        self.trackers: list[LossTracker] = []

    def _match(self, names: Sequence[str], targets: list[Any], outputs: list[Tensor]) -> None:
        given, count = self._given, len(outputs)
        if isinstance(given, (list, tuple, dict)):
            found = per_output("loss", given, names, count)
        else:
            found = [given] * count
        self._losses = [as_loss(*entry) for entry in zip(found, targets, outputs, strict=True)]
        weights = self._weights_given
        if weights is None:
            weights = [1.0] * count
        elif isinstance(weights, (int, float)):
            weights = [weights] * count
        else:
            weights = per_output("loss_weights", weights, names, count)
        self._weights = [1.0 if weight is None else float(weight) for weight in weights]
        if sum(loss is not None for loss in self._losses) > 1:
            self.trackers = [LossTracker(f"{name}_loss") for name in names]

    def __call__(self, names: Sequence[str], targets: list[Any], outputs: list[Tensor], weights: list[Any]) -> Any:
        """The weighted sum of the losses, or None when no output has one."""
        if self._losses is None:
            self._match(names, targets, outputs)
        assert self._losses is not None
        total = None
        trackers: Sequence[LossTracker | None] = self.trackers or [None] * len(names)
        rows = zip(names, self._losses, targets, outputs, weights, self._weights, trackers, strict=True)
        for name, loss, target, output, weight, factor, tracker in rows:
            if loss is None:
                continue
            if target is None:
                raise ValueError(f'there is a loss for the output "{name}", but no target: y lacks it')
            value = loss(target, output, weight)
            if value.shape:
                raise ValueError(
                    f'the loss of output "{name}" has shape {value.shape} instead of being one number; '
                    'use a reduction ("sum_over_batch_size"), or take the mean in your loss function'
                )
            if tracker is not None:
                tracker.record(value)
            value = value if factor == 1.0 else value * factor
            total = value if total is None else total + value
        return total


def as_loss(given: Any, target: Any = None, output: Any = None) -> Any:
    """A Loss object for a name, a function, a class or a Loss; None stays None.

    "crossentropy" is the binary, categorical or sparse one, by the shapes of target and output.
    """
    from linnet import losses

    if given is None:
        return None
    if by_shapes(given, ("crossentropy", "ce")):
        given = f"{_kind(target, output)}_crossentropy".lower() if output is not None else "categorical_crossentropy"
    found = losses.get(given)
    if isinstance(found, type):
        found = found()
    if isinstance(found, losses.Loss):
        return found
    if not callable(found):
        raise ValueError(f"cannot read {given!r} as a loss")
    return losses.LossFunctionWrapper(found, name=getattr(found, "__name__", "loss"))


class Metrics(Metric):
    """The metrics of a compiled model as one metric: `metrics` without sample weights, `weighted_metrics` with them."""

    def __init__(self, metrics: Any, weighted: Any) -> None:
        super().__init__(name="compile_metrics")
        self._given = (metrics, weighted)
        self._per_output: list[tuple[list[Any], list[Any]]] | None = None
        self.named: dict[str, Any] = {}  # log name -> metric; empty before the first trace has matched them
        self.output_names: Any = lambda y_pred: [f"output_{i + 1}" for i in range(len(flatten(y_pred)))]

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.named.values() for variable in metric.variables]

    @property
    def metrics(self) -> list[Any]:
        """The metrics inside."""
        return list(self.named.values())

    def reset_state(self) -> None:
        for metric in self.named.values():
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        return {name: metric.result() for name, metric in self.named.items()}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """For one's own train_step: targets and predictions in the structure of the outputs."""
        outputs = flatten(y_pred)
        names = self.output_names(y_pred)
        targets = targets_by_output(y_true, names, len(outputs))
        self.update(names, targets, outputs, weights_by_output(sample_weight, names, len(outputs)))

    @property
    def matched(self) -> bool:
        return self._per_output is not None

    def _match(self, names: Sequence[str], targets: list[Any], outputs: list[Tensor]) -> None:
        plain, weighted = ([*self._entries(given, names, len(outputs))] for given in self._given)
        self._per_output = [([], []) for _ in names]
        for which, column in enumerate((plain, weighted)):
            for i, output_name in enumerate(names):
                for entry in column[i]:
                    if entry is None:
                        continue
                    metric = as_metric(entry, targets[i], outputs[i])
                    self._per_output[i][which].append(metric)
                    prefix = f"{output_name}_" if len(outputs) > 1 else ""
                    self._name(metric, prefix, which == 1)

    def _name(self, metric: Any, prefix: str, weighted: bool) -> None:
        # Names as in Keras: a weighted metric beside an unweighted one of the same name says so.
        name = f"{prefix}{metric.name}"
        if name in self.named and weighted:
            name = f"{prefix}weighted_{metric.name}"
        candidate, count = name, 0
        while candidate in self.named:
            count += 1
            candidate = f"{name}_{count}"
        self.named[candidate] = metric

    @staticmethod
    def _entries(given: Any, names: Sequence[str], count: int) -> list[list[Any]]:
        if given is None:
            return [[] for _ in range(count)]
        if not isinstance(given, (list, tuple, dict)):
            given = [given]
        if count == 1 and not isinstance(given, dict):
            inner = given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else given
            return [list(inner)]
        found = per_output("metrics", given, names, count)
        return [list(entry) if isinstance(entry, (list, tuple)) else [entry] for entry in found]

    def update(self, names: Sequence[str], targets: list[Any], outputs: list[Tensor], weights: list[Any]) -> None:
        """Records the update of all metrics into the running trace."""
        if self._per_output is None:
            self._match(names, targets, outputs)
        assert self._per_output is not None
        for (plain, weighted), target, output, weight in zip(self._per_output, targets, outputs, weights, strict=True):
            if target is None:
                continue
            for metric in plain:
                metric.update_state(target, output)
            for metric in weighted:
                metric.update_state(target, output, sample_weight=weight)


def as_metric(given: Any, target: Any, output: Any) -> Any:
    """A Metric object for a name, a function, a class or a Metric. One made from a name bears that name.

    "accuracy" is the binary, categorical or sparse one, by the shapes of target and output.
    """
    from linnet import metrics

    if by_shapes(given, ("accuracy", "acc")):
        return getattr(metrics, f"{_kind(target, output).title().replace('_', '')}Accuracy")(name=given)
    found = metrics.get(given)
    if isinstance(found, type):
        found = found()
    if not isinstance(found, metrics.Metric):
        if not callable(found):
            raise ValueError(f"cannot read {given!r} as a metric")
        found = metrics.MeanMetricWrapper(found, name=getattr(found, "__name__", None))
    if isinstance(given, str):
        found.name = given
    return found


def by_shapes(given: Any, names: Sequence[str]) -> bool:
    """Whether this is a name that stands for several things, one of which the shapes pick."""
    return isinstance(given, str) and given.lower() in names


def _kind(target: Any, output: Any) -> str:
    shape, of_target = tuple(output.shape), tuple(getattr(target, "shape", ()))
    if shape and shape[-1] == 1:
        return "binary"
    sparse = len(of_target) < len(shape) or (len(of_target) > 0 and of_target[-1] == 1)
    return "sparse_categorical" if sparse else "categorical"
