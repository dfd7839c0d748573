"""Depthwise convolution over images (n, h, w, c) (convolution_depthwise.py)."""

from __future__ import annotations

from linnet.layers.convolution_depthwise import DepthwiseConvolution


class DepthwiseConv2D(DepthwiseConvolution):
    """2-D depthwise convolution."""

    rank = 2
