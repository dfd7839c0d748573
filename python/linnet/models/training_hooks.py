"""What a training step consists of, as methods that a subclass of Model may override; and the means of the loss.

These methods are run once, while a step is traced: they see tensors, not numbers. Metrics keep their state in variables
that the compiled step updates; the loss is summed up in Python, in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.trace import current_trace
from linnet.backend.tree import flatten
from linnet.layers.layer import Layer
from linnet.layers.layer_calls import change_count
from linnet.models.objectives import Losses, Metrics, as_loss, as_metric, by_shapes, targets_by_output


class TrainingHooks(Layer):
    """The overridable parts of training."""

    optimizer: Any
    _losses_compiled: Losses | None
    _metrics_compiled: Metrics | None
    _loss_sums: dict[str, float]
    _loss_rows: int
    _metrics_found: tuple[Any, dict[str, Any]] | None = None

    def _symbolic_function(self) -> Any:
        """The graph of symbolic calls that the model is made of, or None. Model knows."""
        return None

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, where the model has symbolic ones."""
        return []

    # ---- one step ----------------------------------------------------------------------------------------------------

    def train_step(self, data: tuple[Any, Any, Any]) -> dict[str, Any]:
        """Forward, loss, metrics, gradients, update. data: (x, y, sample_weight). Returns the logs: at least "loss"."""
        x, y, sample_weight = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
        self.compute_metrics(x, y, y_pred, sample_weight)
        trace = current_trace()
        assert trace is not None
        variables = trace.flat.variables if trace.flat is not None else self.trainable_variables
        gradients = trace.gradients(self.optimizer.scale_loss(loss), [trace.read(variable) for variable in variables])
        self.optimizer.apply(gradients, variables)
        return self._step_logs(loss)

    def test_step(self, data: tuple[Any, Any, Any]) -> dict[str, Any]:
        """Forward, loss, metrics."""
        x, y, sample_weight = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self.compute_metrics(x, y, y_pred, sample_weight)
        return self._step_logs(loss)

    def predict_step(self, data: tuple[Any, Any, Any]) -> Any:
        """Forward."""
        return self(data[0], training=False)

    def _step_logs(self, loss: Any) -> dict[str, Any]:
        logs = {"loss": loss}
        if self._losses_compiled is not None:
            logs.update({f"{name}_loss": part for name, part in self._losses_compiled.parts.items()})
        return logs

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The number to minimise: the losses given to compile, those of add_loss, and the weights' regularization."""
        total = None
        if self._losses_compiled is not None:
            names, outputs = self._output_names(y_pred)
            targets = targets_by_output(y, names, len(outputs))
            weights = self._weights_by_output(sample_weight, names, len(outputs))
            total = self._losses_compiled(names, targets, outputs, weights)
        for term in self.losses:
            total = term if total is None else total + term
        if total is None:
            raise ValueError(
                f"{self._title()}: there is no loss to minimise: give compile(loss=...), or use add_loss in a layer"
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Updates the metrics given to compile."""
        if self._metrics_compiled is None:
            return
        names, outputs = self._output_names(y_pred)
        targets = [None] * len(outputs) if y is None else targets_by_output(y, names, len(outputs))
        weights = self._weights_by_output(sample_weight, names, len(outputs))
        self._metrics_compiled.update(names, targets, outputs, weights)

    def _output_names(self, y_pred: Any) -> tuple[list[str], list[Any]]:
        outputs = flatten(y_pred)
        if isinstance(y_pred, dict):
            return sorted(y_pred), outputs
        if self._symbolic_function() is not None and len(outputs) == len(self.output_names):
            return list(self.output_names), outputs
        return [f"output_{i + 1}" for i in range(len(outputs))], outputs

    @staticmethod
    def _weights_by_output(sample_weight: Any, names: Sequence[str], count: int) -> list[Any]:
        if sample_weight is None or isinstance(sample_weight, dict):
            return [sample_weight.get(name) if sample_weight else None for name in names]
        leaves = flatten(sample_weight)
        return leaves * count if len(leaves) == 1 else targets_by_output(sample_weight, names, count)

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
        """The metric objects of compile and of the model's attributes. Those of compile appear with the first step."""
        return list({id(metric): metric for metric in self._named_metrics().values()}.values())

    def _named_metrics(self) -> dict[str, Any]:
        """Log name -> metric. The walk through all layers is done again only when something has changed."""
        from linnet.metrics import Metric

        compiled = self._metrics_compiled
        key = (change_count(), compiled, compiled is not None and compiled.matched)
        if self._metrics_found is None or self._metrics_found[0] != key:
            found: dict[str, Any] = dict(compiled.named) if compiled is not None else {}
            known = {id(metric) for metric in found.values()}
            for layer in self._flatten_layers():
                for value in vars(layer).values():
                    for item in value if isinstance(value, (list, tuple)) else (value,):
                        if isinstance(item, Metric) and id(item) not in known:
                            known.add(id(item))
                            found.setdefault(item.name, item)
            self._metrics_found = (key, found)
        return self._metrics_found[1]

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns, in its order."""
        names = list(self._loss_sums) or ["loss"]
        return names + [name for name in self._named_metrics() if name not in names]

    def reset_metrics(self) -> None:
        """Starts the means of the loss and all metrics again."""
        self._loss_sums = dict.fromkeys(self._loss_sums, 0.0)
        self._loss_rows = 0
        for metric in self.metrics:
            metric.reset_state()

    def _take_losses(self, names: Sequence[str], values: Sequence[float], rows: int) -> None:
        sums = self._loss_sums
        if list(sums) != list(names):
            sums = self._loss_sums = dict.fromkeys(names, 0.0)
            self._loss_rows = 0
        for name, value in zip(names, values, strict=True):
            sums[name] += value * rows
        self._loss_rows += rows

    def _logs(self) -> dict[str, float]:
        """The means since reset_metrics: the loss, the losses of several outputs, the metrics."""
        rows = max(self._loss_rows, 1)
        logs = {name: total / rows for name, total in self._loss_sums.items()}
        for log_name, metric in self._named_metrics().items():
            result = metric.result()
            if isinstance(result, dict):
                logs.update({name: _plain(value) for name, value in result.items()})
            else:
                logs[log_name] = _plain(result)
        return logs

    def get_metrics_result(self) -> dict[str, float]:
        """The same as the logs: loss and metrics since reset_metrics()."""
        return self._logs()

    @staticmethod
    def _as_result(logs: dict[str, float], return_dict: bool) -> Any:
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values


def _plain(value: Any) -> Any:
    shape = getattr(value, "shape", ())
    return float(value) if shape == () else value
