"""Attention with several heads (Vaswani et al. 2017, "Attention is all you need").

Query (n, t, dim), value and key (n, s, dim) are projected to `num_heads` heads of key_dim (value_dim) numbers each. A
head takes the mean of the values, weighted by softmax(query . key / sqrt(key_dim)); what the heads found is projected
to the output (n, t, dim). Self-attention is layer(x, x).

`HeadedAttention` is what this and GroupedQueryAttention share: arguments, projections, masks. The products are in
ops/attention.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from linnet import constraints, initializers, ops, regularizers
from linnet.backend.masks import without_mask
from linnet.layers.arguments import positive
from linnet.layers.einsum_dense import EinsumDense
from linnet.layers.layer import Layer
from linnet.ops.attention import attend


class HeadedAttention(Layer):
    """Base of attention layers with heads."""

    def __init__(
        self,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
            raise self.error(f"dropout must be a number in [0, 1), not {dropout!r}")
        if flash_attention and dropout > 0:
            raise self.error("flash_attention has no dropout; leave flash_attention out (it changes nothing here)")
        self.dropout = dropout
        self.use_bias = use_bias
        self.use_gate = use_gate
        self.sliding_window = None if sliding_window is None else positive("sliding_window", sliding_window)
        self.flash_attention = flash_attention
        self.seed = seed
        self._projection = {
            "kernel_initializer": initializers.get(kernel_initializer),
            "bias_initializer": initializers.get(bias_initializer),
            "kernel_regularizer": regularizers.get(kernel_regularizer),
            "bias_regularizer": regularizers.get(bias_regularizer),
            "activity_regularizer": regularizers.get(activity_regularizer),
            "kernel_constraint": constraints.get(kernel_constraint),
            "bias_constraint": constraints.get(bias_constraint),
        }

    def project(self, name: str, rank: int, inner: int, sizes: tuple[int, ...], **kwargs: Any) -> EinsumDense:
        """A projection of the last `inner` axes of a tensor of this rank to axes of these sizes."""
        free = "abcdefgh"[: rank - inner]
        summed, made = "ijkl"[:inner], "uvwxyz"[: len(sizes)]
        return EinsumDense(
            f"{free}{summed},{summed}{made}->{free}{made}",
            output_shape=(*[None] * (len(free) - 1), *sizes),
            bias_axes=made if self.use_bias else None,
            name=name,
            **self._projection,
            **kwargs,
        )

    def joined_mask(
        self, query: Any, value: Any, masks: tuple[Any, Any, Any], attention_mask: Any, causal: bool
    ) -> Any:
        """All masks as one of shape (n or 1, t, s), or None. masks: of query, value and key."""
        query_mask, value_mask, key_mask = masks
        found = [] if attention_mask is None else [ops.cast(attention_mask, "bool")]
        if query_mask is not None:
            found.append(ops.expand_dims(ops.cast(query_mask, "bool"), -1))
        found += [ops.expand_dims(ops.cast(m, "bool"), -2) for m in (value_mask, key_mask) if m is not None]
        rows, columns = query.shape[1], value.shape[1]
        distance = np.arange(rows)[:, None] - np.arange(columns)[None, :]
        if causal:
            found.append(ops.convert_to_tensor(distance[None] >= 0))
        if self.sliding_window is not None:
            found.append(ops.convert_to_tensor(abs(distance[None]) < self.sliding_window))
        joined = None
        for mask in found:
            joined = mask if joined is None else ops.logical_and(joined, mask)
        return joined

    def get_config(self) -> dict[str, Any]:
        write = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
        config = {
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self.sliding_window,
            "flash_attention": self.flash_attention,
            "seed": self.seed,
        }
        for key, value in self._projection.items():
            config[key] = write[key.rsplit("_", 1)[1]].serialize(value)
        return {**super().get_config(), **config}


class MultiHeadAttention(HeadedAttention):
    """layer(query, value, key=value), with masks: query_mask (n, t), value_mask and key_mask (n, s), which are filled
    in from the tensors, attention_mask (n, t, s), use_causal_mask: each step sees only itself and those before.

    attention_axes: the axes between which attention runs; all but batch and features by default. output_shape: of the
    last axes of the output; the query's by default. return_attention_scores: also gives the weights (n, heads, t, s).
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, use_bias, sliding_window, flash_attention, **kwargs)
        self.num_heads = positive("num_heads", num_heads)
        self.key_dim = positive("key_dim", key_dim)
        self.value_dim = positive("value_dim", value_dim) if value_dim else self.key_dim
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape or ()) or None
        if attention_axes is not None and not isinstance(attention_axes, (int, list, tuple)):
            raise self.error(f"attention_axes must be an int or several, not {attention_axes!r}")
        self.attention_axes: Any = (attention_axes,) if isinstance(attention_axes, int) else attention_axes

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise self.error(
                f"value and key must agree in all axes but the last; value {tuple(value_shape)}, key {tuple(key_shape)}"
            )
        rank = len(query_shape)
        if rank < 3 or len(value_shape) != rank:
            raise self.error(
                f"query and value must have the same number of axes, at least 3; query {tuple(query_shape)}, value "
                f"{tuple(value_shape)}"
            )
        axes = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        self.attention_axes = tuple(axis if axis >= 0 else rank + axis for axis in axes)
        if not all(0 < axis < rank - 1 for axis in self.attention_axes):
            raise self.error(f"attention_axes {self.attention_axes} must lie between the batch and the last axis")
        heads = (self.num_heads, self.key_dim)
        self.query_dense = self.project("query", rank, 1, heads)
        self.key_dense = self.project("key", rank, 1, heads)
        self.query_dense.build(tuple(query_shape))
        self.key_dense.build(tuple(key_shape))
        results = (self.num_heads, self.value_dim)
        if self.use_gate:
            self.gate_dense = self.project("gate", rank, 1, results, activation="sigmoid")
            self.gate_dense.build(tuple(query_shape))
        self.value_dense = self.project("value", rank, 1, results)
        self.value_dense.build(tuple(value_shape))
        self.output_dense = self.project("attention_output", rank + 1, 2, self._output_shape or (query_shape[-1],))
        self.output_dense.build((*query_shape[:-1], *results))

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        if self.flash_attention and return_attention_scores:
            raise self.error("flash_attention gives no scores; leave flash_attention out (it changes nothing here)")
        mask = self.joined_mask(query, value, (query_mask, value_mask, key_mask), attention_mask, use_causal_mask)
        query, value, key = without_mask(query), without_mask(value), without_mask(key)
        q, k = self.query_dense(query), self.key_dense(value if key is None else key)
        v = self.value_dense(value)
        q = q * (1.0 / math.sqrt(self.key_dim))
        (q, shape), (k, sources), (v, _) = (self._heads_first(x) for x in (q, k, v))
        several = len(self.attention_axes) > 1
        if mask is not None:
            mask = self._fit_mask(mask, len(query.shape), shape, sources)
        found, scores = attend(
            q,
            k,
            v,
            None,
            mask,
            zero_masked=self.dropout > 0 or return_attention_scores or len(query.shape) != 3,
            rate=self.dropout if training else 0.0,
        )
        outputs = self._heads_last(found, shape)
        if self.use_gate:
            outputs = outputs * self.gate_dense(query)
        outputs = self.output_dense(outputs)
        if not return_attention_scores:
            return outputs
        if several:
            scores = ops.reshape(scores, (*ops.shape(scores)[:-2], *shape, *sources))
        return outputs, scores

    def _order(self, rank: int) -> list[int]:
        """The axes of a projected tensor in the order (n, others, heads, axes of the attention, dim)."""
        others = [axis for axis in range(rank - 1) if axis not in self.attention_axes]
        return [*others, *self.attention_axes, rank - 1]

    def _heads_first(self, x: Any) -> tuple[Any, tuple]:
        """(..., heads, t, dim), where t joins the axes of the attention, and their sizes."""
        sizes = tuple(ops.shape(x)[axis] for axis in self.attention_axes)
        x = ops.transpose(x, self._order(len(x.shape)))
        if len(sizes) == 1:
            return x, sizes
        lead = ops.shape(x)[: -len(sizes) - 1]
        return ops.reshape(x, (*lead, math.prod(sizes), x.shape[-1])), sizes

    def _heads_last(self, x: Any, sizes: tuple) -> Any:
        if len(sizes) > 1:
            lead = ops.shape(x)[:-2]
            x = ops.reshape(x, (*lead, *sizes, x.shape[-1]))
        order = self._order(len(x.shape))
        return ops.transpose(x, [order.index(axis) for axis in range(len(order))])

    def _fit_mask(self, mask: Any, rank: int, shape: tuple, sources: tuple) -> Any:
        """The mask (..., t, s), broadcasting over heads; t and s each join the axes of the attention."""
        count = len(shape)
        while len(mask.shape) < rank + count:
            mask = ops.expand_dims(mask, -2 * count - 1)
        if count == 1:
            return mask
        lead = ops.shape(mask)[: -2 * count]
        mask = ops.broadcast_to(mask, (*lead, *shape, *sources))
        return ops.reshape(mask, (*lead, math.prod(shape), math.prod(sources)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
        }
