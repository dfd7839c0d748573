"""What a training step consists of, as methods that a subclass of Model may override; and what a step reports.

These methods are run once, while a step is traced: they see tensors, not numbers. Metrics keep their state in variables
that the compiled step updates; the loss is summed up in Python, in float64 (trackers.py). A step returns its logs by
name: results of metrics, read when somebody looks, or tensors, of which the last batch's value is shown.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from linnet.backend.trace import current_trace
from linnet.backend.tree import flatten
from linnet.layers.layer import Layer
from linnet.layers.layer_calls import change_count
from linnet.models.data import unpack_x_y_sample_weight
from linnet.models.objectives import (
    Losses,
    Metrics,
    as_loss,
    as_metric,
    by_shapes,
    targets_by_output,
    weights_by_output,
)
from linnet.models.trackers import LossTracker, flat_results


class TrainingHooks(Layer):
    """The overridable parts of training."""

    optimizer: Any
    _loss_tracker: LossTracker | None
    _losses_compiled: Losses | None
    _metrics_compiled: Metrics | None
    _metrics_found: tuple[Any, list[Any]] | None = None

    def _symbolic_function(self) -> Any:
        """The graph of symbolic calls that the model is made of, or None. Model knows."""
        return None

    def _can_be_called(self) -> bool:
        """Whether `call` is defined. Model knows."""
        return True

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, where the model has symbolic ones."""
        return []

    # ---- one step ----------------------------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, loss, metrics, gradients, update. data: what fit was given, x, (x, y) or (x, y, sample_weight).

        Returns the logs by name.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self._loss_of(x, y, y_pred, sample_weight, True)
        logs = self.compute_metrics(x, y, y_pred, sample_weight)
        trace = current_trace()
        assert trace is not None
        variables = trace.flat.variables if trace.flat is not None else self.trainable_variables
        if not variables:
            return logs
        gradients = trace.gradients(self.optimizer.scale_loss(loss), [trace.read(variable) for variable in variables])
        self.optimizer.apply(gradients, variables)
        return logs

    def test_step(self, data: Any) -> dict[str, Any]:
        """Forward, loss, metrics."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._loss_of(x, y, y_pred, sample_weight, False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """Forward."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
        if _takes(self.compute_loss, "training"):
            given["training"] = training
        loss = self.compute_loss(**given)
        if self._loss_tracker is not None:
            self._loss_tracker.record(loss)
        return loss

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The number to minimise: the losses given to compile, those of add_loss, and the weights' regularization."""
        total = None
        if self._losses_compiled is not None:
            names, outputs = self._output_names(y_pred)
            targets = targets_by_output(y, names, len(outputs))
            weights = weights_by_output(sample_weight, names, len(outputs))
            total = self._losses_compiled(names, targets, outputs, weights)
        for term in self.losses:
            total = term if total is None else total + term
        if total is None:
            raise ValueError(
                f"{self._title()}: there is no loss to minimise: give compile(loss=...), or use add_loss in a layer"
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Updates the metrics given to compile and returns the logs: get_metrics_result()."""
        if self._metrics_compiled is not None:
            names, outputs = self._output_names(y_pred)
            targets = [None] * len(outputs) if y is None else targets_by_output(y, names, len(outputs))
            weights = weights_by_output(sample_weight, names, len(outputs))
            self._metrics_compiled.update(names, targets, outputs, weights)
        return self.get_metrics_result()

    def _output_names(self, y_pred: Any) -> tuple[list[str], list[Any]]:
        outputs = flatten(y_pred)
        if isinstance(y_pred, dict):
            return sorted(y_pred), outputs
        if self._symbolic_function() is not None and len(outputs) == len(self.output_names):
            return list(self.output_names), outputs
        return [f"output_{i + 1}" for i in range(len(outputs))], outputs

    @staticmethod
    def _check_names(loss: Any, metrics: Any, weighted: Any) -> None:
        for given in flatten(loss):
            as_loss(given)
        for given in flatten([metrics, weighted]):
            if isinstance(given, str) and not by_shapes(given, ("accuracy", "acc")):
                as_metric(given, None, None)

    # ---- running results ---------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The mean of the loss, those of the losses of several outputs, the metrics given to compile (as one metric,
        "compile_metrics"), and those that are attributes of the model and the layers inside."""
        losses, compiled = self._losses_compiled, self._metrics_compiled
        found: list[Any] = [self._loss_tracker] if self._loss_tracker is not None else []
        found += losses.trackers if losses is not None else []
        given = {id(metric) for metric in compiled.metrics} if compiled is not None else set()
        found += [compiled] if compiled is not None else []
        return found + [metric for metric in self._attribute_metrics() if id(metric) not in given]

    def _attribute_metrics(self) -> list[Any]:
        """Metrics among the attributes. The walk through all layers is done again only when something has changed."""
        from linnet.metrics import Metric

        if self._metrics_found is None or self._metrics_found[0] != change_count():
            found: dict[int, Any] = {}
            for layer in self._flatten_layers():
                for key, value in vars(layer).items():
                    if key not in _COMPILED:
                        for item in value if isinstance(value, (list, tuple)) else (value,):
                            if isinstance(item, Metric):
                                found[id(item)] = item
            self._metrics_found = (change_count(), list(found.values()))
        return self._metrics_found[1]

    def _named_metrics(self) -> dict[str, Any]:
        """Log name -> metric, for callbacks that want to know which way is better."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            found.update(metric.named if isinstance(metric, Metrics) else {metric.name: metric})
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns, in its order."""
        return list(self._named_metrics()) or ["loss"]

    def reset_metrics(self) -> None:
        """Starts the means of the loss and all metrics again."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics since reset_metrics(), by name. In a train_step, the logs to return."""
        if current_trace() is not None:
            return {name: metric.result() for name, metric in self._named_metrics().items()}
        logs: dict[str, Any] = {}
        for name, metric in self._named_metrics().items():
            logs.update(flat_results(name, metric.result()))
        return logs

    def _as_result(self, logs: dict[str, Any], return_dict: bool) -> Any:
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values


# Attributes that hold what compile made; a model inside another one does not report them.
_COMPILED = ("_loss_tracker", "_losses_compiled", "_metrics_compiled")


def _takes(function: Callable[..., Any], name: str) -> bool:
    found: Sequence[inspect.Parameter] = list(inspect.signature(function).parameters.values())
    return any(parameter.name == name or parameter.kind == parameter.VAR_KEYWORD for parameter in found)
