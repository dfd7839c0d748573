"""Attention in which several query heads share one head of keys and values (Ainslie et al. 2023, "GQA").

num_query_heads heads of queries, num_key_value_heads of keys and values: with as many of both it is
MultiHeadAttention, with one key head it is multi-query attention. Query (n, t, dim), value and key (n, s, dim), output
(n, t, dim).
"""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.backend.masks import without_mask
from linnet.layers.arguments import positive
from linnet.layers.multi_head_attention import HeadedAttention
from linnet.ops.attention import attend


class GroupQueryAttention(HeadedAttention):
    """layer(query, value, key=value), with the masks of MultiHeadAttention."""

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, use_bias, sliding_window, flash_attention, **kwargs)
        self.head_dim = positive("head_dim", head_dim)
        self.num_query_heads = positive("num_query_heads", num_query_heads)
        self.num_key_value_heads = positive("num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise self.error(
                f"num_query_heads {num_query_heads} must be a multiple of num_key_value_heads {num_key_value_heads}"
            )

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        key_shape = value_shape if key_shape is None else key_shape
        if len(query_shape) != 3 or len(value_shape) != 3:
            raise self.error(f"query and value must be (n, steps, dim), got {tuple(query_shape)}, {tuple(value_shape)}")
        heads = (self.num_query_heads, self.head_dim)
        shared = (self.num_key_value_heads, self.head_dim)
        self.query_dense = self.project("query", 3, 1, heads)
        self.key_dense = self.project("key", 3, 1, shared)
        self.query_dense.build(tuple(query_shape))
        self.key_dense.build(tuple(key_shape))
        if self.use_gate:
            self.gate_dense = self.project("gate", 3, 1, heads, activation="sigmoid")
            self.gate_dense.build(tuple(query_shape))
        self.value_dense = self.project("value", 3, 1, shared)
        self.value_dense.build(tuple(value_shape))
        self.output_dense = self.project("attention_output", 4, 2, (query_shape[-1],))
        self.output_dense.build((*query_shape[:-1], *heads))

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
        mask = self.joined_mask(query, value, (query_mask, value_mask, key_mask), attention_mask, use_causal_mask)
        query, value, key = without_mask(query), without_mask(value), without_mask(key)
        q = self.query_dense(query) * (1.0 / math.sqrt(self.head_dim))
        k, v = self.key_dense(value if key is None else key), self.value_dense(value)
        # Query heads g * repeats ... g * repeats + repeats - 1 use key head g: their steps become one axis.
        groups, repeats = self.num_key_value_heads, self.num_query_heads // self.num_key_value_heads
        n, t = ops.shape(q)[:2]
        s = ops.shape(k)[1]
        q = ops.reshape(ops.transpose(q, (0, 2, 1, 3)), (n, groups, repeats * t, self.head_dim))
        k, v = (ops.transpose(x, (0, 2, 1, 3)) for x in (k, v))
        if mask is not None:
            while len(mask.shape) < 4:
                mask = ops.expand_dims(mask, -3)
            if mask.shape[1] == 1:
                lead = ops.shape(mask)[0]
                mask = ops.reshape(ops.broadcast_to(mask, (lead, repeats, t, s)), (lead, 1, repeats * t, s))
            else:  # one for each head
                lead = ops.shape(mask)[0]
                mask = ops.reshape(
                    ops.broadcast_to(mask, (lead, self.num_query_heads, t, s)), (lead, groups, repeats * t, s)
                )
        found, scores = attend(
            q,
            k,
            v,
            None,
            mask,
            zero_masked=self.dropout > 0 or return_attention_scores,
            rate=self.dropout if training else 0.0,
        )
        outputs = ops.transpose(ops.reshape(found, (n, self.num_query_heads, t, self.head_dim)), (0, 2, 1, 3))
        if self.use_gate:
            outputs = outputs * self.gate_dense(query)
        outputs = self.output_dense(outputs)
        return (outputs, ops.reshape(scores, (n, self.num_query_heads, t, s))) if return_attention_scores else outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }


GroupedQueryAttention = GroupQueryAttention  # the name in files that Keras wrote
