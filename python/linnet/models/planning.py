"""`memory_plan`: how many bytes a step needs, from plans that are made for the question and thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from linnet.backend.tree import flatten, map_structure
from linnet.models import steps
from linnet.models.data import Data

if TYPE_CHECKING:
    from linnet.models.trainer import Trainer


def memory_plan(model: Trainer, batch_size: int) -> dict[str, dict[str, int]]:
    """{"parameters": ..., "inference": ..., "training": ...} in bytes."""
    function = model._symbolic_function()
    if function is None:
        raise ValueError(f"{model._title()}: memory_plan needs known input shapes; start the model with linnet.Input")
    if any(size is None for tensor in function.inputs for size in tensor.shape[1:]):
        raise ValueError(f"{model._title()}: memory_plan needs inputs without None behind the batch")
    x = map_structure(lambda t: _row(t.shape[1:], t.dtype), function.input_structure)
    trainable = sum(variable.size for variable in model.trainable_variables) * 4
    others = sum(variable.size for variable in model.non_trainable_variables) * 4
    plan: dict[str, dict[str, int]] = {
        "parameters": {"trainable": trainable, "non_trainable": others},
        "inference": steps.predict_step(model, model._data(x), batch_size).program.executable.memory(),
    }
    if model.compiled:
        model._build_optimizer()
        slots = sum(variable.size for variable in model.optimizer.variables) * 4
        data = _guess_targets(model, function, x)
        memory = steps.train_step(model, data, batch_size).program.executable.memory()
        plan["training"] = {**memory, "optimizer": slots}
    return plan


def _row(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.zeros((1, *shape), np.int32 if dtype == "int32" else np.float32)


def _guess_targets(model: Trainer, function: Any, x: Any) -> Data:
    # The targets' shapes do not follow from the model: class numbers for sparse losses, the output's shape for others.
    from linnet.models.objectives import as_loss, per_output

    outputs = flatten(function.output_structure)
    loss = model.loss
    if isinstance(loss, (list, tuple, dict)):
        losses = per_output("loss", loss, model.output_names, len(outputs))
    else:
        losses = [loss] * len(outputs)
    targets: list[Any] = []
    for given, output in zip(losses, outputs, strict=True):
        name = getattr(as_loss(given), "name", "") or ""
        if given is None:
            targets.append(None)
        elif name.startswith("sparse"):
            targets.append(_row(output.shape[1:-1], "int32"))
        else:
            targets.append(_row(output.shape[1:], "float32"))
    if isinstance(function.output_structure, dict):
        return model._data(x, dict(zip(model.output_names, targets, strict=True)))
    return model._data(x, targets if len(targets) > 1 else targets[0])
