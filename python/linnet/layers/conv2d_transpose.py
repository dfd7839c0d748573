"""Transposed convolution over images (n, h, w, c) (convolution_transpose.py)."""

from __future__ import annotations

from linnet.layers.convolution_transpose import TransposedConvolution


class Conv2DTranspose(TransposedConvolution):
    """2-D transposed convolution."""

    rank = 2


Convolution2DTranspose = Conv2DTranspose
