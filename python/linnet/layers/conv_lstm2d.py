"""ConvLSTM2D: an LSTM with convolutions over x (n, steps, height, width, channels). See conv_lstm.py."""

from __future__ import annotations

from linnet.layers.conv_lstm import ConvLSTM


class ConvLSTM2D(ConvLSTM):
    """A convolutional LSTM over sequences of images. Arguments: those of Conv2D and of LSTM."""

    rank = 2
