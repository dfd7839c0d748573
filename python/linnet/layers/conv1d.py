"""Convolution over sequences (n, steps, c) (convolution.py)."""

from __future__ import annotations

from linnet.layers.convolution import PlainConvolution


class Conv1D(PlainConvolution):
    """1-D convolution."""

    rank = 1
    paddings = ("valid", "same", "causal")


Convolution1D = Conv1D
