"""Transposed convolution over sequences (n, steps, c) (convolution_transpose.py)."""

from __future__ import annotations

from linnet.layers.convolution_transpose import TransposedConvolution


class Conv1DTranspose(TransposedConvolution):
    """1-D transposed convolution."""

    rank = 1


Convolution1DTranspose = Conv1DTranspose
