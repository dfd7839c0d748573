"""What lies between Keras's names and the engine: tensors, variables, traces and compiled programs.

A *trace* collects the nodes of one engine graph while Python code runs (`trace.py`). Inside it, operations take and
give `Tensor`s (`tensor.py`) and read or assign `Variable`s (`variable.py`). A *program* (`program.py`) is the compiled
trace together with the memory of the variables it uses. Outside a trace, the same operations run at once on NumPy
arrays (`function.py`), and on `KerasTensor`s (`keras_tensor.py`) they note down a node of a functional model.

Start reading in `trace.py`. Layers, losses and metrics need only `linnet.ops` and `Variable`.
"""

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.errors import NonFiniteError, ShapeError, UnsupportedError
from linnet.backend.function import op
from linnet.backend.keras_tensor import KerasTensor, is_keras_tensor
from linnet.backend.lookup import choose, unknown_name
from linnet.backend.masks import get_keras_mask, set_keras_mask
from linnet.backend.naming import clear_session
from linnet.backend.tensor import BatchSize, Tensor
from linnet.backend.trace import Trace, current_trace
from linnet.backend.variable import Variable
from linnet.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx

__all__ = [
    "BatchSize",
    "KerasTensor",
    "NonFiniteError",
    "ShapeError",
    "Tensor",
    "Trace",
    "UnsupportedError",
    "Variable",
    "choose",
    "clear_session",
    "current_trace",
    "epsilon",
    "floatx",
    "get_keras_mask",
    "image_data_format",
    "is_keras_tensor",
    "op",
    "set_epsilon",
    "set_floatx",
    "set_keras_mask",
    "standardize_dtype",
    "unknown_name",
]
