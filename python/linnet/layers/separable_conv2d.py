"""Separable convolution over images (n, h, w, c) (convolution_separable.py)."""

from __future__ import annotations

from linnet.layers.convolution_separable import SeparableConvolution


class SeparableConv2D(SeparableConvolution):
    """2-D separable convolution."""

    rank = 2


SeparableConvolution2D = SeparableConv2D
