"""Separable convolution over sequences (n, steps, c) (convolution_separable.py)."""

from __future__ import annotations

from linnet.layers.convolution_separable import SeparableConvolution


class SeparableConv1D(SeparableConvolution):
    """1-D separable convolution."""

    rank = 1


SeparableConvolution1D = SeparableConv1D
