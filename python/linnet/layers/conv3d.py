"""Convolution over volumes or films (n, d, h, w, c) (convolution.py)."""

from __future__ import annotations

from linnet.layers.convolution import PlainConvolution


class Conv3D(PlainConvolution):
    """3-D convolution."""

    rank = 3


Convolution3D = Conv3D
