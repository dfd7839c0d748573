"""ConvLSTM1D: an LSTM with convolutions over x (n, steps, length, channels). See conv_lstm.py."""

from __future__ import annotations

from linnet.layers.conv_lstm import ConvLSTM


class ConvLSTM1D(ConvLSTM):
    """A convolutional LSTM over sequences of lines. Arguments: those of Conv1D and of LSTM."""

    rank = 1
