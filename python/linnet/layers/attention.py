"""Attention without projections: each step of the query takes the mean of the values, weighted by softmax(score).

layer([query, value]) or layer([query, value, key]); query (n, t, dim), value and key (n, s, dim), output (n, t, dim).
score_mode "dot" is Luong et al. 2015, query . key; "concat" is w * sum(tanh(query + key)). AdditiveAttention, of
Bahdanau et al. 2015, is in a file of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops, random
from linnet.layers.layer import Layer

# What is subtracted from a score that a mask leaves out.
LEFT_OUT = 1e9


class Attention(Layer):
    """Dot-product attention.

    mask: [query_mask (n, t), value_mask (n, s)], filled in from the inputs; use_causal_mask: each step sees only
    itself and those before. use_scale: a trained number multiplies the scores. dropout: of the weights, in training.
    return_attention_scores: also gives the weights (n, t, s).
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f'score_mode must be "dot" or "concat", not {score_mode!r}')
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
            raise ValueError(f"dropout must be a number in [0, 1), not {dropout!r}")
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def scores(self, query: Any, key: Any) -> Any:
        """(n, t, s) of query (n, t, dim) and key (n, s, dim)."""
        if self.score_mode == "dot":
            if self.scale is not None:
                query = query * self.scale
            return ops.einsum("...td,...sd->...ts", query, key)
        joined = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        if self.scale is not None:
            joined = joined * self.scale
        return ops.sum(ops.tanh(joined), axis=-1) * self.concat_score_weight

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        scores = self.scores(query, key)
        allowed = None
        if value_mask is not None:
            allowed = ops.expand_dims(ops.cast(value_mask, "bool"), -2)
        if use_causal_mask:
            rows, columns = scores.shape[-2:]
            causal = ops.convert_to_tensor(np.arange(rows)[:, None] >= np.arange(columns)[None, :])
            allowed = causal if allowed is None else ops.logical_and(allowed, causal)
        if allowed is not None:
            scores = ops.where(allowed, scores, scores - LEFT_OUT)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed)
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = ops.where(ops.expand_dims(ops.cast(query_mask, "bool"), -1), outputs, 0.0)
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None if previous_mask is None else previous_mask[0]

    def _check(self, inputs: Any, mask: Any = None) -> None:
        for what, given in (("inputs", inputs), ("mask", mask)):
            if what == "mask" and given is None:
                continue
            if not isinstance(given, (list, tuple)) or len(given) not in (2, 3):
                raise self.error(f"{what} must be a list [query, value] or [query, value, key]")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }
