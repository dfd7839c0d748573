"""Sequences of different lengths: see `linnet.utils`."""

from linnet.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
