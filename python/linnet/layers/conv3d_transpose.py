"""Transposed convolution over volumes (n, d, h, w, c) (convolution_transpose.py)."""

from __future__ import annotations

from linnet.layers.convolution_transpose import TransposedConvolution


class Conv3DTranspose(TransposedConvolution):
    """3-D transposed convolution."""

    rank = 3


Convolution3DTranspose = Conv3DTranspose
