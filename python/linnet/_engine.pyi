"""The compiled engine: a graph of operations, and the executable that runs it. Everything here is raw: shapes are
checked by the operations, but names, defaults and conversions are the business of the Python layer above.

Dimensions: a non-negative integer is a size; -k stands for k times the batch size n of a run, so (-1, 28, 28, 1) is a
batch of images and (-50, 8) a batch of 50-step sequences with the two first axes merged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

class ShapeError(ValueError): ...
class UnsupportedError(NotImplementedError): ...
class NonFiniteError(FloatingPointError): ...

class Graph:
    """A directed acyclic graph of operations on values. Values are numbered; every method takes and gives numbers."""

    def input(self, name: str, shape: Sequence[int], dtype: str) -> int:
        """A value given at each run, in the order of creation. dtype is "float32" or "int32"."""

    def variable(self, name: str, shape: Sequence[int], dtype: str = "float32") -> int:
        """A value that lives in memory owned by Python (see Executable.bind_variable); `assign` writes it."""

    def constant(self, array: np.ndarray) -> int:
        """A value fixed now (copied). float32 or int32, C-contiguous."""

    def add(self, op: str, inputs: Sequence[int], attributes: Mapping[str, Any], layer: str = "") -> list[int]:
        """Appends an operation and returns its outputs. Attributes are bool, int, float, str or lists of int.

        Raises ShapeError (input shapes), ValueError (unknown operation or attribute); messages begin with the
        operation and, when given, the layer: `conv2d "conv_1": input has 3 channels, the kernel expects 4; ...`.
        """

    def gradients(self, loss: int, targets: Sequence[int], seed: int = -1) -> list[int]:
        """Appends the reverse-mode gradient of a scalar, or of any value given the gradient `seed` that flows into it;
        -1 for a target that the loss does not depend on."""

    def assign(self, variable: int, value: int) -> None:
        """At this point of the run, the variable's memory takes the value. Same shape and dtype."""

    def shape(self, value: int) -> tuple[int, ...]: ...
    def dtype(self, value: int) -> str: ...
    def alias_root(self, value: int) -> int:
        """The value whose memory this one shares (reshape, view, stop_gradient); else itself."""

    def nodes(self) -> list[tuple[str, list[int], list[int], dict[str, Any], str]]:
        """(operation, inputs, outputs, all attributes, layer) of every node, in order."""

    def constants(self) -> dict[int, np.ndarray]:
        """The constants by value number."""

    def dump(self) -> str:
        """One line per node: outputs, operation, inputs, attributes, shapes, layer."""

class Executable:
    """A plan for a graph: fused, ordered, every buffer placed for `capacity` rows; fewer run in the same memory."""

    def __init__(
        self, graph: Graph, outputs: Sequence[int], capacity: int, debug: str = "", prepare: bool = False
    ) -> None:
        """debug: comma-separated nofuse, norecompute, noplan, reference, trace, nan. The graph may be dropped later.

        prepare: what depends on variables alone is kept from run to run until one of them changes. Every change that is
        not made by a run of an executable must be reported to `memory_written`.
        """

    capacity: int

    def bind_variable(self, variable: int, array: np.ndarray) -> None:
        """The variable's memory: float32/int32, C-contiguous, writeable where assigned. Kept alive."""

    def bind_rows(self, input: int, array: np.ndarray) -> None:
        """The data set behind an input for run_rows: any numeric dtype, C-contiguous, a row per sample. Kept alive."""

    def run(self, n: int, inputs: Sequence[np.ndarray], seed: int = 0, step: int = 0) -> list[np.ndarray]:
        """Runs on the inputs (float32/int32, C-contiguous, n rows where batched) and returns the outputs as arrays."""

    def run_as_is(self, inputs: np.ndarray | list[np.ndarray] | tuple[np.ndarray, ...]) -> list[np.ndarray] | None:
        """`run` for serving, without a conversion: None where the engine cannot read the inputs where they lie."""

    def run_rows(self, indices: np.ndarray | None, start: int, n: int, seed: int = 0, step: int = 0) -> None:
        """Runs on rows indices[start : start + n] (int64; None: start .. start + n) of the bound data."""

    def output(self, index: int) -> np.ndarray:
        """A copy of an output of the last run."""

    def scalar(self, index: int) -> float:
        """A scalar output of the last run."""

    def memory(self) -> dict[str, int]:
        """Bytes: arena, gradients, prepared, constants, workspace (the largest; part of the arena)."""

    def dump(self) -> str:
        """The plan: one line per launch with buffers and offsets."""

    def profile(self, n: int, inputs: Sequence[np.ndarray], repeats: int) -> list[tuple[str, str, float]]:
        """(operation, layer, median seconds) per launch."""

def memory_written(array: np.ndarray) -> None:
    """Says that the memory of a C-contiguous array has new contents: call it after writing a variable's array."""

def operations() -> dict[str, dict[str, str]]:
    """The registry: operation name -> attribute name -> type."""

def shuffle(n: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of range(n), int64, that depends on n, seed and epoch only."""

def set_num_threads(n: int) -> None: ...
def num_threads() -> int: ...
def default_num_threads() -> tuple[int, str]:
    """The default and the reason for it."""

def isa() -> str: ...
def available_isas() -> list[str]: ...
def set_isa(name: str) -> None: ...
def conv_algorithm() -> str: ...
def set_conv_algorithm(name: str) -> None:
    """ "auto" or "direct", for executables made from now on."""

def cpu_info() -> dict[str, Any]:
    """model, physical_cores, and cache sizes in bytes: l1d, l2, l3."""

def measure_fma_peak(seconds: float) -> float:
    """Floating-point operations a second that the chosen instruction set reaches in registers, on all threads."""

def measure_read(seconds: float, bytes: int) -> float:
    """Bytes a second when an array of so many is read again and again, from whatever cache it fits, on all threads."""

def measure_bandwidth(seconds: float) -> dict[str, float]:
    """Bytes a second through memory, read and written, on all threads: "read", "write", "update" (in place), "copy"."""
