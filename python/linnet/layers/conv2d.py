"""Convolution over images (n, h, w, c): every output pixel is a weighted sum over a window of input pixels, the same
weights at every place (convolution.py).
"""

from __future__ import annotations

from linnet.layers.convolution import PlainConvolution


class Conv2D(PlainConvolution):
    """2-D convolution."""

    rank = 2


Convolution2D = Conv2D
