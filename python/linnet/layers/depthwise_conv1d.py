"""Depthwise convolution over sequences (n, steps, c) (convolution_depthwise.py)."""

from __future__ import annotations

from linnet.layers.convolution_depthwise import DepthwiseConvolution


class DepthwiseConv1D(DepthwiseConvolution):
    """1-D depthwise convolution."""

    rank = 1
