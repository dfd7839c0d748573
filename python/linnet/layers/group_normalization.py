"""The channels of each sample in groups of neighbours, each brought to mean 0 and variance 1 over its channels and all
positions, then scaled and shifted by gamma and beta, which every channel has its own of (Wu & He 2018).

groups = 1 normalises a sample as a whole; groups = -1, a group for each channel, is instance normalisation (Ulyanov,
Vedaldi & Lempitsky 2016). Nothing depends on the batch, so it serves where batches are too small for batch
normalisation.
"""

from __future__ import annotations

from typing import Any

from linnet import constraints, initializers, ops, regularizers
from linnet.backend.input_spec import InputSpec
from linnet.layers.layer import Layer


class GroupNormalization(Layer):
    """Normalises groups of channels. axis: the channels. epsilon: added to the variance. center, scale: whether there
    is a beta, a gamma. Raises ValueError when the channels do not divide into `groups`."""

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(groups, bool) or not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ValueError(f"groups must be a positive integer, or -1 for a group of each channel, not {groups!r}")
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if not -rank <= self.axis < rank or self.axis % rank == 0:
            raise self.error(f"axis {self.axis} is not a channel axis of an input of shape {tuple(input_shape)}")
        channels = input_shape[self.axis]
        groups = channels if self.groups == -1 else self.groups
        if channels % groups:
            raise self.error(
                f"the {channels} channels of an input of shape {tuple(input_shape)} do not divide into {groups} groups"
            )
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                (channels,),
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                (channels,),
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})

    def call(self, inputs: Any) -> Any:
        groups = inputs.shape[self.axis] if self.groups == -1 else self.groups
        return ops.group_normalization(
            inputs, self.gamma, self.beta, groups=groups, axis=self.axis, epsilon=self.epsilon
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
