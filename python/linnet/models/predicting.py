"""`predict`: the outputs for all batches of a source, in one array per output.

For arrays, whose rows are known beforehand, the results are allocated once and written batch by batch; the outputs of a
stream are joined at the end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet.backend.tree import pack_like
from linnet.models.loops import callback_list
from linnet.models.progress import Progress, level
from linnet.models.sources import ArraySource, Source

if TYPE_CHECKING:
    from linnet.backend.program import Program
    from linnet.models.trainer import Trainer


def predict(model: Trainer, source: Source, verbose: Any, callbacks: Any) -> Any:
    """Predictions in the structure of the model's outputs."""
    count = source.count
    callbacks = callback_list(model, callbacks, False, steps=count, verbose=verbose)
    progress = Progress(0 if callbacks.shows_progress else level(verbose), "Predicting", count, dict)
    before, after = callbacks.wants("on_predict_batch_begin"), callbacks.wants("on_predict_batch_end")
    model.stop_predicting = False
    source.open()
    callbacks.on_predict_begin()
    index, step = 0, None
    results: Results | None = None
    try:
        for step, order, start, rows in source.epoch(0, 0):
            if before:
                callbacks.on_predict_batch_begin(index)
            if results is None:
                known = min(source.data.n, source.count * source.batch) if isinstance(source, ArraySource) else None
                results = Results(step.program, known)
            step.program.bind()
            step.program.executable.run_rows(order, start, rows)
            outputs = results.take(step.program, rows)
            if after:
                callbacks.on_predict_batch_end(index, {"outputs": pack_like(step.structure, outputs)})
            index += 1
            if model.stop_predicting:
                break
            if time.perf_counter() > progress.next_draw:
                progress.draw(index)
    finally:
        source.close()
    if results is None or step is None:
        raise ValueError(f"{model._title()}: the data to predict has no batches left; a generator ends once")
    progress.close(index, {})
    callbacks.on_predict_end()
    return pack_like(step.structure, results.joined())


class Results:
    """Outputs batch by batch. rows: how many there will be, or None."""

    def __init__(self, program: Program, rows: int | None) -> None:
        self._dtypes = program.output_dtypes
        self._rows = rows
        self._done = 0
        self._parts: list[list[np.ndarray]] = [[] for _ in self._dtypes]
        # A leading dimension of -k is k rows per sample.
        self._whole = rows and [
            np.empty((-d[0] * rows, *d[1:]), np.int32 if dtype == "int32" else np.float32)
            for d, dtype in zip(program.output_dims, self._dtypes, strict=True)
        ]

    def take(self, program: Program, rows: int) -> list[np.ndarray]:
        """Keeps the outputs of the last run and returns them."""
        found = []
        for i, d in enumerate(program.output_dims):
            output = program.executable.output(i)
            if self._whole:
                place = self._whole[i][-d[0] * self._done : -d[0] * (self._done + rows)]
                place[...] = output
                found.append(place)
            else:
                self._parts[i].append(output)
                found.append(output)
        self._done += rows
        return found

    def joined(self) -> list[np.ndarray]:
        """The whole outputs."""
        if self._whole and self._rows:
            # Fewer rows than expected have come when a callback stopped the loop.
            arrays = [a[: len(a) // self._rows * self._done] for a in self._whole]
        else:
            arrays = [np.concatenate(parts) for parts in self._parts]
        return [a.astype(bool) if t == "bool" else a for a, t in zip(arrays, self._dtypes, strict=True)]
