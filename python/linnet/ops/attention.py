"""Scaled dot-product attention (Vaswani et al. 2017): softmax(q kT / sqrt(depth) + mask) v for each head.

Heads are made neighbours first, (n, heads, steps, depth), so that both products are batched matrix products without
further copies. The scale is applied to the query, which is smaller than the scores.
"""

from __future__ import annotations

import math
from typing import Any

from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.ops import arithmetic as a
from linnet.ops.common import as_bool, as_float, trace_of
from linnet.ops.shape import transpose

# What a score becomes where attention is not allowed: its probability rounds to 0.
MASKED = -1e9


def attend(
    query: Tensor, key: Tensor, value: Tensor, bias: Any, mask: Any, zero_masked: bool = False, rate: float = 0.0
) -> tuple[Tensor, Tensor]:
    """(softmax(query keyT + bias) value, the softmax): query (..., t, d), key (..., s, d), value (..., s, e).

    The leading axes are the same; bias and mask broadcast to (..., t, s). zero_masked: where a row has no allowed
    position, its result is 0 instead of the mean of all values. rate: of a dropout on the softmax.
    """
    trace = trace_of()
    scores = trace.add("matmul", [query, key], trans_a=False, trans_b=True)
    if bias is not None:
        scores = a.add(scores, bias)
    if mask is not None:
        mask = as_bool(mask)
        scores = a.where(mask, scores, MASKED)
    weights = trace.add("softmax", [scores])
    if mask is not None and zero_masked:
        weights = a.where(mask, weights, 0.0)
    dropped = trace.add("dropout", [weights], rate=float(rate), stream=trace.next_stream()) if rate > 0 else weights
    return trace.add("matmul", [dropped, value], trans_a=False, trans_b=False), weights


@op("query", "key", "value", "bias", "mask")
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """softmax(query . key * scale + bias) . value for each head.

    query (n, t, heads, depth), key and value (n, s, heads, depth). mask: where true, attention is allowed; it
    broadcasts to (n, heads, t, s), as bias does. is_causal: only to earlier positions. scale: 1 / sqrt(depth) if None.
    attn_logits_soft_cap: scores x become cap tanh(x / cap). flash_attention is accepted and changes nothing.
    """
    from linnet.ops.creation import ones
    from linnet.ops.indexing import tril

    q, k, v = (transpose(as_float(t), (0, 2, 1, 3)) for t in (query, key, value))
    q = a.multiply(q, 1.0 / math.sqrt(q.dims[-1]) if scale is None else scale)
    if is_causal:
        causal = tril(ones((q.dims[-2], k.dims[-2]), "bool"))
        from linnet.ops.comparison import logical_and

        mask = causal if mask is None else logical_and(mask, causal)
    if attn_logits_soft_cap is not None:
        capped = trace_of().add("matmul", [q, k], trans_a=False, trans_b=True)
        capped = a.multiply(a.tanh(a.divide(capped, attn_logits_soft_cap)), attn_logits_soft_cap)
        capped = capped if bias is None else a.add(capped, bias)
        if mask is not None:
            capped = a.where(as_bool(mask), capped, MASKED)
        weights = trace_of().add("softmax", [capped])
        return transpose(trace_of().add("matmul", [weights, v], trans_a=False, trans_b=False), (0, 2, 1, 3))
    return transpose(attend(q, k, v, bias, mask)[0], (0, 2, 1, 3))
