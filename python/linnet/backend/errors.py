"""Errors of their own kind. Everything else is a ValueError or TypeError with a message that names the layer, what was
expected, what came, and the way out."""

from linnet._engine import ShapeError, UnsupportedError


class NonFiniteError(FloatingPointError):
    """The loss became NaN or infinite. The message names the epoch and the step; with LINNET_DEBUG=nan, the layer."""


__all__ = ["NonFiniteError", "ShapeError", "UnsupportedError"]
