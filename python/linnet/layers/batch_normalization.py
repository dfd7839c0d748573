"""Every channel is shifted and scaled to mean 0 and variance 1, then by the learnt beta and gamma.

Training uses mean and variance of the batch (over all axes but `axis`; the variance divides by the number of values,
not by one less) and moves the running averages towards them:

    moving = momentum * moving + (1 - momentum) * batch

Inference uses the running averages, and so does training of a frozen layer (trainable = False), whose averages then
stay as they are. x (..., c), gamma, beta, moving_mean, moving_variance (c).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import constraints, initializers, ops, regularizers
from linnet.backend.errors import UnsupportedError
from linnet.backend.input_spec import InputSpec
from linnet.layers.layer import Layer


class BatchNormalization(Layer):
    """Normalises activations over the batch."""

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if synchronized:
            raise UnsupportedError("BatchNormalization(synchronized=True) is not supported: linnet has no replicas")
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise ValueError(f"axis must be an integer, not {axis!r}")
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if not -rank <= self.axis < rank or self.axis % rank == 0:
            raise self.error(f"axis {self.axis} is not a channel axis of an input of shape {tuple(input_shape)}")
        shape = (input_shape[self.axis],)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: shape[0]})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        last = self.axis in (-1, len(inputs.shape) - 1)
        x = inputs if last else ops.moveaxis(inputs, self.axis, -1)
        if training and self.trainable:
            y = self._normalize_by_batch(x, mask)
        else:
            y = self._normalize(x, self.moving_mean, self.moving_variance)
        return y if last else ops.moveaxis(y, -1, self.axis)

    def _normalize_by_batch(self, x: Any, mask: Any) -> Any:
        if mask is None:
            channels = x.shape[-1]
            gamma = np.ones(channels, np.float32) if self.gamma is None else self.gamma
            beta = np.zeros(channels, np.float32) if self.beta is None else self.beta
            y, mean, variance = ops.batch_normalization_training(x, gamma, beta, epsilon=self.epsilon)
        else:
            mean, variance = self._masked_moments(x, mask)
            y = self._normalize(x, mean, variance)
        mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1.0 - keep))
        return y

    def _masked_moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance over the positions that the mask, of the shape (n, steps), leaves."""
        weight = ops.cast(mask, "float32")
        for _ in range(len(x.shape) - len(mask.shape)):
            weight = ops.expand_dims(weight, -1)
        axes = tuple(range(len(x.shape) - 1))
        weight = weight * ops.ones_like(x)
        count = ops.sum(weight, axis=axes) + 1e-7
        mean = ops.sum(weight * x, axis=axes) / count
        return mean, ops.sum(weight * ops.square(x - mean), axis=axes) / count

    def _normalize(self, x: Any, mean: Any, variance: Any) -> Any:
        return ops.batch_normalization(
            x, mean, variance, axis=-1, offset=self.beta, scale=self.gamma, epsilon=self.epsilon
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
