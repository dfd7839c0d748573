"""`Trainer`: compile, fit, evaluate, predict and their kin; the part of a model that has loops.

The loop of `fit` does per batch: one call into the engine (which gathers the rows, runs forward, backward and the
update, and keeps the metrics), one look at the loss, and a look at the clock for the progress bar. Everything else
happens once per epoch, or when a callback asks for it.

The order of the samples in an epoch, and all random numbers, follow from the seed and the optimizer's step count alone:
the same seed gives the same bits, on any number of threads and after a resume.

The methods that subclasses may override (train_step, compute_loss, ...) are in training_hooks.py, the loop in loops.py.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from linnet.backend.dtypes import engine_array
from linnet.backend.flat import FlatParameters
from linnet.backend.program import ProgramCache, engine_settings, round_capacity
from linnet.backend.seed import global_seed
from linnet.backend.tree import map_structure, pack_like
from linnet.backend.variable import storage
from linnet.models import steps
from linnet.models.batches import is_stream
from linnet.models.class_weights import with_class_weights
from linnet.models.data import Data, split_validation, unpack_x_y_sample_weight
from linnet.models.inputs import order_inputs
from linnet.models.objectives import Losses, Metrics, as_loss, per_output
from linnet.models.sources import ArraySource, Source, StreamSource
from linnet.models.trackers import LossTracker
from linnet.models.training_hooks import TrainingHooks


class Trainer(TrainingHooks):
    """Training, evaluation and prediction for a model."""

    def _init_trainer(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self._stop = False
        self._losses_compiled: Losses | None = None
        self._metrics_compiled: Metrics | None = None
        self._compile_config: dict[str, Any] = {}
        self._flat: FlatParameters | None = None
        self._steps = ProgramCache(12)
        self._known_batches = ProgramCache(12)
        self._fast_predict: Any = None
        self._loss_tracker: LossTracker | None = None
        self._fit_loop: Any = None  # the loop of the fit that is running
        self._steps_run = 0  # training steps since compile
        self.history: Any = None
        self.stop_evaluating = False
        self.stop_predicting = False

    @property
    def stop_training(self) -> bool:
        """Set it to True in a callback to end the training after the batch."""
        return self._stop

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._stop = bool(value)

    # ---- compile -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says how to train.

        optimizer: an optimizer or its name. loss: a loss, its name, or a function (y_true, y_pred); for several outputs
        a list or a dict by output names. loss_weights: numbers in the same form. metrics, weighted_metrics: lists of
        metrics, names or functions, the second ones use the sample weights; for several outputs a list of lists or a
        dict. "accuracy" picks the accuracy that fits the shapes.

        run_eagerly, steps_per_execution, jit_compile and auto_scale_loss are accepted as in Keras and have no effect:
        every step is compiled.
        """
        from linnet import optimizers

        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        self._losses_compiled = Losses(loss, loss_weights) if loss is not None else None
        self._metrics_compiled = Metrics(metrics, weighted_metrics)
        self._metrics_compiled.output_names = lambda y_pred: self._output_names(y_pred)[0]
        self._loss_tracker = LossTracker()
        self._steps_run = 0
        self._compile_config = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        # Names are looked up now, so that a typing error shows here and not after the data has been read.
        self._check_names(loss, metrics, weighted_metrics)
        self._forget_programs()
        self.reset_metrics()
        self.compiled = True

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with what get_compile_config gave."""
        from linnet.saving import deserialize_keras_object

        self.compile(**{key: deserialize_keras_object(value) for key, value in config.items()})
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of compile in a form that can be written to JSON; None before compile."""
        from linnet.saving import serialize_keras_object

        if not self.compiled:
            return None
        config = {**self._compile_config, "optimizer": self.optimizer}
        return {key: serialize_keras_object(value) for key, value in config.items()}

    def _forget_programs(self) -> None:
        self._steps.clear()
        self._known_batches.clear()
        self._fast_predict = None

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(
                f"{self._title()}: call compile(optimizer, loss, metrics) before {method}(), for instance "
                'model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])'
            )

    # ---- data and programs -------------------------------------------------------------------------------------------

    def _data(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> Data:
        if x is None:
            raise ValueError(f"{self._title()}: x is missing")
        if class_weight is not None:
            sample_weight = with_class_weights(y, sample_weight, class_weight, self._sparse_outputs())
        data = Data(x, y, sample_weight)
        function = self._symbolic_function()
        if function is not None:
            # The gather converts to the type that the Input wants; so bytes of images never become int32 first.
            leaves = iter(data.leaves)
            structure = map_structure(lambda leaf: next(leaves) if leaf is not None else None, data.structure)
            for symbol, leaf in zip(function.inputs, order_inputs(self._title(), function, structure[0]), strict=True):
                leaf.dtype = symbol.dtype
        data.check_integers()
        return data

    def _sparse_outputs(self) -> dict[str, bool]:
        """The outputs' names, and whether their losses take class numbers."""
        names = list(self.output_names) if self._symbolic_function() is not None else []
        if isinstance(self.loss, (dict, list, tuple)):
            names = names or (list(self.loss) if isinstance(self.loss, dict) else [])
            names = names or [f"output_{i + 1}" for i in range(len(self.loss))]
            given = per_output("loss", self.loss, names, len(names))
        else:
            names = names or ["output_1"]
            given = [self.loss] * len(names)
        losses = [None if one is None else as_loss(one) for one in given]
        return {
            name: str(getattr(loss, "name", "")).startswith("sparse") for name, loss in zip(names, losses, strict=True)
        }

    def _source(
        self,
        kind: str,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool = False,
    ) -> Source:
        """The batches of arrays or of a stream, for steps of this kind."""
        if is_stream(x):
            for name, given in (("y", y), ("sample_weight", sample_weight)):
                if given is not None:
                    raise ValueError(
                        f"{self._title()}: {name} must not be given beside a {type(x).__name__}, whose batches hold "
                        "(x, y) or (x, y, sample_weight)"
                    )
            return StreamSource(self, kind, x, steps, shuffle, class_weight)
        data = self._data(x, y, sample_weight, class_weight)
        return ArraySource(self, kind, data, _batch_size(batch_size), steps, shuffle)

    def _training_steps(self) -> int:
        """How many training steps were done: the number that shuffling and random layers go by."""
        return max(self._steps_run, getattr(self.optimizer, "steps_taken", 0))

    def _step(self, kind: str, data: Data, rows: int) -> steps.Step:
        """The program for this kind of step, data and number of rows: kept, or compiled now."""
        key = (kind, data.signature, engine_settings())
        step = self._steps.get(key)
        if step is not None and step.program.capacity >= rows and self._still_good(step):
            step.program.bind()
            return step
        if not self._is_built():
            # A model that only trains and tests, by its own steps over models that are built, has nothing to call.
            inner_built = all(layer.built for layer in self._flatten_layers() if layer is not self)
            if kind == "predict" or self._can_be_called() or not inner_built:
                steps.trace_forward(self, data)
            self.built = True
        compilers = {"train": steps.train_step, "test": steps.test_step, "predict": steps.predict_step}
        if kind == "train":
            self._build_optimizer()
        return self._steps.put(key, compilers[kind](self, data, rows))

    def _still_good(self, step: steps.Step) -> bool:
        # A training step is tied to the flat layout of the weights, which another model may have taken apart.
        # Weights only move when the storage epoch grows, so that is looked at first.
        if step.flat is None or step.checked_epoch == storage.epoch:
            return True
        good = step.flat is self._flat and step.flat.valid(step.flat.variables)
        step.checked_epoch = storage.epoch if good else -1
        return good

    def _is_built(self) -> bool:
        return self.built and all(layer.built for layer in self._flatten_layers())

    def _build_optimizer(self) -> None:
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def _flat_parameters(self) -> FlatParameters | None:
        """The flat layout of the trainable weights, made anew where they have changed."""
        variables = [variable for variable in self.trainable_variables if variable.dtype == "float32"]
        if not variables:
            # As in Keras: metrics may be wanted all the same.
            warnings.warn(
                f"{self._title()}: there are no trainable weights, nothing will be learnt; are all layers frozen?",
                stacklevel=7,
            )
            return None
        if self._flat is None or not self._flat.valid(variables):
            self._flat = FlatParameters(variables)
        return self._flat

    # ---- fit ---------------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        stratify: bool = False,
    ) -> Any:
        """Trains for `epochs` passes over the data and returns a History.

        x: an array with one row per sample, or a list or dict of arrays for several inputs: anything that converts to
        NumPy, and data frames. y: targets, the same way. Or x is a stream of batches x, (x, y) or (x, y, weights), and
        y is left out: a generator, an iterable (tf.data, DataLoader), a linnet.utils.PyDataset.
        batch_size: 32 by default. verbose: 0 silent, 1 a bar, 2 a line per epoch, "auto" a bar on a terminal.
        validation_split: the share of the arrays, from their end, that is held back for validation after each epoch;
        stratify: that share of each class instead. validation_data: (x, y), (x, y, sample_weight) or a stream instead.
        class_weight: {class: weight} or "balanced"; for several outputs a dict by their names. sample_weight: a weight
        per sample. initial_epoch: where the counting of epochs begins. steps_per_epoch: batches per epoch; the next
        epoch goes on where this one ended. validation_freq: validate every so many epochs, or after those listed.

        Ctrl-C ends the training after the batch; weights and history are kept. Raises ValueError for data that does not
        fit, NonFiniteError when the loss is not a number any more (naming epoch and step).
        """
        from linnet.models.loops import FitLoop

        self._require_compiled("fit")
        batch_size = _batch_size(batch_size)
        validation: Source | None = None
        validation_batch = validation_batch_size or batch_size
        if validation_data is not None:
            x_val, y_val, w_val = unpack_x_y_sample_weight(validation_data)
            validation = self._source("test", x_val, y_val, w_val, None, validation_batch, validation_steps)
        if validation is None and validation_split:
            if is_stream(x):
                raise ValueError(
                    f"{self._title()}: validation_split needs arrays; beside a stream give validation_data instead"
                )
            # The weights of the classes are those of the training part.
            train, held = split_validation(self._data(x, y, sample_weight), validation_split, stratify)
            x_val, y_val, w_val = held.structure
            validation = self._source("test", x_val, y_val, w_val, None, validation_batch, validation_steps)
            x, y, sample_weight = train.structure
        source = self._source("train", x, y, sample_weight, class_weight, batch_size, steps_per_epoch, bool(shuffle))
        return FitLoop(self, source, validation, validation_freq).run(initial_epoch, epochs, verbose, callbacks)

    # ---- evaluate and predict ----------------------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on this data: the loss alone, a list, or with return_dict a dict.

        x, y, sample_weight: as for fit; x may be a stream of batches.
        """
        from linnet.models.loops import EvaluateLoop

        if kwargs:
            raise TypeError(f"evaluate: unknown arguments {sorted(kwargs)}")
        self._require_compiled("evaluate")
        source = self._source("test", x, y, sample_weight, None, batch_size, steps)
        return self._as_result(EvaluateLoop(self, source).run(verbose, callbacks), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for all rows of x, in the structure of the outputs. x may be a stream of batches."""
        from linnet.models.predicting import predict

        return predict(self, self._source("predict", x, None, None, None, batch_size, steps), verbose, callbacks)

    # ---- single batches ----------------------------------------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One training step on this batch. Gives its loss (before the step) and metrics, as evaluate does."""
        self._require_compiled("train_on_batch")
        if class_weight is not None:
            sample_weight = with_class_weights(y, sample_weight, class_weight, self._sparse_outputs())
        return self._as_result(self._run_batch("train", x, y, sample_weight), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of this batch."""
        self._require_compiled("test_on_batch")
        return self._as_result(self._run_batch("test", x, y, sample_weight), return_dict)

    def _run_batch(self, kind: str, x: Any, y: Any, weights: Any) -> dict[str, Any]:
        # Batches of plain arrays like one seen before skip the checks of Data.
        key = None
        step = None
        if type(x) is np.ndarray and type(y) is np.ndarray and weights is None and len(x) == len(y):
            key = (kind, x.shape, x.dtype, y.shape, y.dtype, engine_settings())
            step = self._known_batches.get(key)
        if step is not None and self._still_good(step):
            n, arrays = len(x), [x, y]
        else:
            data = self._data(x, y, weights)
            step = self._step(kind, data, round_capacity(data.n))
            n, arrays = data.n, data.arrays
            if key is not None:
                self._known_batches.put(key, step)
        ready = [engine_array(array, leaf.dtype, leaf.name) for array, leaf in zip(arrays, step.leaves, strict=True)]
        seed, count = (global_seed(), self._training_steps()) if kind == "train" else (0, 0)
        self.reset_metrics()
        step.program.run(n, ready, seed, count)
        if kind == "train":
            self._steps_run = count + 1
        step.take(n)
        return step.logs()

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        fast = self._fast_predict
        if fast is not None:
            # The way for serving single samples: straight to the engine, which looks at the arrays itself.
            run, epoch, kind, form = fast
            if type(x) is kind and epoch == storage.epoch:
                found = run(x)
                if found is not None:
                    return found[0] if form is None else found if form is list else form(found)
        data = self._data(x)
        step = self._step("predict", data, round_capacity(data.n))
        arrays = [engine_array(a, leaf.dtype, leaf.name) for a, leaf in zip(data.arrays, data.leaves, strict=True)]
        found = step.program.run(data.n, arrays)
        self._remember(type(x), data, step)
        return pack_like(step.structure, found)

    def _remember(self, kind: type, data: Data, step: Any) -> None:
        """Lets predict_on_batch go straight to the engine where neither side needs a change of type or structure."""
        program, form = step.program, type(step.structure)
        outputs = step.structure if form in (list, tuple) else [step.structure]
        known = all(leaf.dtype in ("float32", "int32") for leaf in data.leaves) and "bool" not in program.output_dtypes
        if known and kind in (np.ndarray, list, tuple) and not any(isinstance(y, (list, tuple, dict)) for y in outputs):
            self._fast_predict = (
                program.executable.run_as_is,
                storage.epoch,
                kind,
                form if form in (list, tuple) else None,
            )

    # ---- looking inside ----------------------------------------------------------------------------------------------

    def memory_plan(self, batch_size: int = 32) -> dict[str, dict[str, int]]:
        """The bytes that a step on `batch_size` rows needs, known before the first one.

        Gives {"parameters": ..., "inference": ..., "training": ...}; each is a dict of bytes. "training" needs a
        compiled model. The model must have known input shapes, or have been called before.
        """
        from linnet.models.planning import memory_plan

        return memory_plan(self, batch_size)

    def profile(self, x: Any, repeats: int = 10) -> list[tuple[str, str, float]]:
        """(operation, layer, median seconds) of every launch of a prediction for this batch."""
        data = self._data(x)
        step = self._step("predict", data, round_capacity(data.n))
        arrays = [engine_array(a, leaf.dtype, leaf.name) for a, leaf in zip(data.arrays, data.leaves, strict=True)]
        return step.program.executable.profile(data.n, arrays, repeats)


def _batch_size(given: Any) -> int:
    if given is None:
        return 32
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 1:
        raise ValueError(f"batch_size must be a positive integer, got {given!r}")
    return int(given)
