"""`Tensor`: a value of a running trace, with NumPy's operators.

A tensor is a number of a node's output in the engine's graph. `dims` are the engine's dimensions: a size, or -k for k
times the batch size. `shape` is what users see: None for every dimension that depends on the batch. Code that must
compute with the batch size takes `ops.shape(x)`, which has a `BatchSize` there: it can be multiplied and divided and
given back to `reshape`, `broadcast_to`, `zeros` and the random functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linnet.backend.trace import Trace

Dims = tuple[int, ...]


class BatchSize:
    """`factor` times the number of rows of the batch: a dimension that is known only when the program runs."""

    __slots__ = ("factor",)

    def __init__(self, factor: int = 1) -> None:
        self.factor = factor

    def __mul__(self, other: int) -> BatchSize:
        if not isinstance(other, int):
            raise TypeError(f"the batch size can be multiplied by an int only, got {other!r}")
        return BatchSize(self.factor * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, BatchSize):
            return self.factor // other.factor
        if self.factor % other:
            raise ValueError(f"{self} cannot be divided by {other} without a rest")
        return BatchSize(self.factor // other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BatchSize) and other.factor == self.factor

    def __hash__(self) -> int:
        return hash((BatchSize, self.factor))

    def __repr__(self) -> str:
        return "batch" if self.factor == 1 else f"{self.factor}*batch"


def engine_dims(shape: Sequence[Any]) -> Dims:
    """Engine dimensions of a shape of ints, None (the batch) and BatchSize. Negative ints are engine dims already."""
    dims = []
    for size in shape:
        if size is None:
            dims.append(-1)
        elif isinstance(size, BatchSize):
            dims.append(-size.factor)
        else:
            dims.append(int(size))
    return tuple(dims)


def public_shape(dims: Sequence[int]) -> tuple[int | None, ...]:
    """dims with None for everything that depends on the batch."""
    return tuple(None if size < 0 else size for size in dims)


class Arithmetic:
    """The operators of tensors, variables and symbolic tensors: each is the operation of `linnet.ops` of that name."""

    __slots__ = ()
    # NumPy must not try `array + tensor` elementwise with an object array; it has to hand over to __radd__.
    __array_priority__ = 100
    __array_ufunc__ = None

    def __add__(self, other: Any) -> Any:
        return _ops().add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _ops().add(other, self)

    def __sub__(self, other: Any) -> Any:
        return _ops().subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _ops().subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _ops().multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _ops().multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return _ops().true_divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _ops().true_divide(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _ops().floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _ops().floor_divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return _ops().mod(self, other)

    def __rmod__(self, other: Any) -> Any:
        return _ops().mod(other, self)

    def __pow__(self, other: Any) -> Any:
        return _ops().power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return _ops().power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return _ops().matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _ops().matmul(other, self)

    def __neg__(self) -> Any:
        return _ops().negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return _ops().absolute(self)

    def __invert__(self) -> Any:
        return _ops().logical_not(self)

    def __and__(self, other: Any) -> Any:
        return _ops().logical_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return _ops().logical_and(other, self)

    def __or__(self, other: Any) -> Any:
        return _ops().logical_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return _ops().logical_or(other, self)

    def __xor__(self, other: Any) -> Any:
        return _ops().logical_xor(self, other)

    def __lt__(self, other: Any) -> Any:
        return _ops().less(self, other)

    def __le__(self, other: Any) -> Any:
        return _ops().less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return _ops().greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return _ops().greater_equal(self, other)

    # As in NumPy, == and != compare the elements. Tensors are still told apart by identity where they are dict keys.
    def __eq__(self, other: Any) -> Any:
        return _ops().equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return _ops().not_equal(self, other)

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key: Any) -> Any:
        return _ops().get_item(self, key)


class Tensor(Arithmetic):
    """A value inside a trace: shape, dtype ("float32", "int32" or "bool") and operators, but no numbers yet."""

    __slots__ = ("_keras_mask", "dims", "dtype", "logits", "trace", "value")

    def __init__(self, trace: Trace, value: int, dims: Dims, dtype: str) -> None:
        self.trace = trace
        self.value = value  # the number of this value in trace.graph
        self.dims = dims
        self.dtype = dtype
        # Set by softmax and sigmoid to (function name, argument): cross entropies then use the argument, which is
        # faster and exact where the probability rounds to 0 or 1.
        self.logits: tuple[str, Tensor] | None = None
        self._keras_mask: Any = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The sizes; None where the size depends on the batch."""
        return public_shape(self.dims)

    @property
    def ndim(self) -> int:
        return len(self.dims)

    def __len__(self) -> int:
        if not self.dims or self.dims[0] < 0:
            raise TypeError("the batch size is not known while tracing; use ops.shape(x)[0]")
        return self.dims[0]

    def __iter__(self) -> Any:
        if not self.dims or self.dims[0] < 0:
            raise TypeError(
                "cannot iterate over the batch while tracing; use the operations of linnet.ops on the whole"
            )
        return (self[i] for i in range(self.dims[0]))

    def __bool__(self) -> bool:
        raise TypeError(
            "the truth value of a tensor is not known while tracing: Python's if, while, and, or cannot depend on it; "
            "use ops.where, ops.logical_and, ops.logical_or"
        )

    def __float__(self) -> float:
        raise TypeError("a tensor has no number while tracing; return it and read it when the program has run")

    __int__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a tensor has no numbers while tracing: use linnet.ops instead of numpy functions on it")

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape} dtype={self.dtype}>"


def _ops() -> Any:
    from linnet import ops

    return ops
