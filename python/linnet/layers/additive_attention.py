"""Additive attention (Bahdanau et al. 2015): the score of a query and a key is scale . tanh(query + key).

Called as Attention is: layer([query, value]) or layer([query, value, key]).
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.attention import Attention


class AdditiveAttention(Attention):
    """use_scale: scale (dim) is trained, else all ones."""

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def scores(self, query: Any, key: Any) -> Any:
        joined = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(joined if self.scale is None else joined * self.scale, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "score_mode"}
