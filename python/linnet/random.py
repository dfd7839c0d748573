"""Random tensors. Outside a trace: NumPy arrays, fixed by `seed` or by the global seed. Inside a model: new numbers at
every step, from the engine's counter-based generator, the same at any number of threads.

Inside a trace a `seed` argument is accepted and has no effect: the numbers follow from the global seed
(`linnet.utils.set_random_seed`), the step, and the place of the call in the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.seed import draw_seed, eager_counter, global_seed, set_seed
from linnet.backend.tensor import Tensor, engine_dims
from linnet.backend.trace import current_trace

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "eager_counter",
    "gamma",
    "global_seed",
    "normal",
    "randint",
    "set_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]


class SeedGenerator:
    """A sequence of seeds that follows from a first one."""

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self._initial_seed = draw_seed() if seed is None else int(seed)
        self._count = 0
        self.name = name or "seed_generator"

    def next(self) -> int:
        """The next seed."""
        self._count += 1
        return (self._initial_seed + 0x9E3779B1 * self._count) % 2**31

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._initial_seed}


def _generator(seed: Any) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        seed = seed.next()
    return np.random.Generator(np.random.Philox(draw_seed() if seed is None else int(seed)))


def _traced(op: str, shape: Sequence[Any]) -> Tensor | None:
    trace = current_trace()
    if trace is None:
        return None
    return trace.add(op, [], shape=list(engine_dims(shape)), stream=trace.next_stream())


def normal(shape: Sequence[Any], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers."""
    found = _traced("random_normal", shape)
    if found is not None:
        return found * stddev + mean
    standardize_dtype(dtype)
    return _generator(seed).normal(mean, stddev, tuple(shape)).astype(np.float32)


def uniform(shape: Sequence[Any], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers evenly distributed over [minval, maxval)."""
    found = _traced("random_uniform", shape)
    if found is not None:
        return found * (maxval - minval) + minval
    standardize_dtype(dtype)
    return _generator(seed).uniform(minval, maxval, tuple(shape)).astype(np.float32)


def truncated_normal(
    shape: Sequence[Any], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers, none farther from the mean than two standard deviations. Not inside a trace."""
    if current_trace() is not None:
        raise ValueError("random.truncated_normal: not available inside a model; use random.normal")
    from linnet.initializers.initializer import drawn, standard_truncated_normal

    generator = _generator(seed)
    return drawn(lambda count: mean + stddev * standard_truncated_normal(generator, count), shape, "float32")


def randint(shape: Sequence[Any], minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Integers evenly distributed over [minval, maxval)."""
    found = _traced("random_uniform", shape)
    if found is not None:
        from linnet import ops

        return ops.cast(ops.floor(found * float(maxval - minval)), "int32") + minval
    return _generator(seed).integers(minval, maxval, tuple(shape)).astype(np.int32)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Classes drawn from softmax(logits): logits (n, classes) -> (n, num_samples) int32.

    A class wins if its logit plus noise of its own is the largest, where the noise is Gumbel distributed (E. J. Gumbel:
    Statistical theory of extreme values, 1954).
    """
    from linnet import ops

    if len(np.shape(logits)) != 2:
        raise ValueError(f"random.categorical: expected logits of shape (n, classes), got {tuple(np.shape(logits))}")
    n, classes = logits.shape
    draw = uniform((n, num_samples, classes), 2.0**-24, 1.0, seed=seed)  # never 0, whose logarithm is infinite
    scores = ops.expand_dims(logits, 1) - ops.log(-ops.log(draw))
    return ops.cast(ops.argmax(scores, axis=-1), dtype)


def gamma(shape: Sequence[Any], alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Gamma distributed numbers of scale 1. alpha: shape parameter(s), broadcast to `shape`. Arrays only."""
    return _drawn("gamma", shape, lambda random: random.gamma(np.asarray(alpha), size=tuple(shape)), dtype, seed)


def beta(shape: Sequence[Any], alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Beta distributed numbers. alpha, beta: parameter(s), broadcast to `shape`. Arrays only."""
    return _drawn(
        "beta", shape, lambda random: random.beta(np.asarray(alpha), np.asarray(beta), tuple(shape)), dtype, seed
    )


def binomial(shape: Sequence[Any], counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """How many of `counts` trials succeed, each with a probability. Both are broadcast to `shape`. Arrays only."""
    return _drawn(
        "binomial",
        shape,
        lambda random: random.binomial(np.asarray(counts, np.int64), np.asarray(probabilities), tuple(shape)),
        dtype,
        seed,
    )


def _drawn(name: str, shape: Sequence[Any], draw: Any, dtype: Any, seed: Any) -> np.ndarray:
    if current_trace() is not None:
        raise ValueError(f"random.{name}: not available inside a model; use random.normal or random.uniform")
    found: np.ndarray = draw(_generator(seed))
    return found.astype(standardize_dtype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices along an axis in random order. Arrays only."""
    return _generator(seed).permutation(np.asarray(x), axis=axis)


def dropout(inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None) -> Any:
    """Sets a share `rate` of the values to zero and divides the others by 1 - rate.

    noise_shape: the shape of the mask, with 1 where it is shared along an axis (None: the input's size).
    """
    from linnet import ops
    from linnet.backend.function import op

    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate must lie in [0, 1), got {rate}")
    trace = current_trace()
    if trace is None:
        if isinstance(inputs, KerasTensor):
            return op("inputs")(dropout)(inputs, rate, noise_shape)
        x = np.asarray(inputs, np.float32)
        shape = x.shape if noise_shape is None else [x.shape[i] if s is None else s for i, s in enumerate(noise_shape)]
        return np.where(_generator(seed).uniform(size=tuple(shape)) >= rate, x / np.float32(1 - rate), np.float32(0))
    x = ops.cast(trace.tensor(inputs), "float32")
    if noise_shape is None:
        return trace.add("dropout", [x], rate=float(rate), stream=trace.next_stream())
    dims = [x.dims[i] if size is None else size for i, size in enumerate(noise_shape)]
    draw = trace.add("random_uniform", [], shape=list(engine_dims(dims)), stream=trace.next_stream())
    return x * (ops.cast(draw >= rate, "float32") / (1.0 - rate))
