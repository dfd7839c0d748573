"""Errors of their own kind. Everything else is a ValueError or TypeError with a message that names the layer, what was
expected, what came, and the way out.

ShapeError (a ValueError): sizes that do not fit. UnsupportedError (a NotImplementedError): what linnet does not do.
NonFiniteError (a FloatingPointError): the loss became NaN or infinite; the message names the epoch and the step, and
with LINNET_DEBUG=nan the layer where it began.
"""

from linnet._engine import NonFiniteError, ShapeError, UnsupportedError

__all__ = ["NonFiniteError", "ShapeError", "UnsupportedError"]
