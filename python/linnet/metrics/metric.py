"""The base of all metrics: a few numbers that are updated with every batch, and a result read from them.

`update_state` is recorded into the compiled training step like a layer; the state lives in variables, so the metric
costs no Python per batch. `result` runs in Python on the state when somebody wants to know: it may use NumPy or
`linnet.ops`. Called by hand on arrays, all of it runs at once.

Inside a trace (in one's own `train_step`) `result()` gives a `MetricResult`: a promise that the loop keeps when it
reads the logs. Only if something is computed with it is the result recorded into the step, for which it must be written
with `linnet.ops`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Self

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.naming import auto_name, name_scope
from linnet.backend.tensor import Arithmetic
from linnet.backend.trace import current_trace
from linnet.backend.variable import Variable


class MetricResult(Arithmetic):
    """What `metric.result()` gives while a step is traced: to be put into the logs, or computed with."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read  # the result now, outside of a trace

    def _as_traced(self) -> Any:
        return self.read()


def _promised(result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(result)
    def wrapped(self: Any) -> Any:
        trace = current_trace()
        if trace is None or trace.reads_results:
            return result(self)
        return MetricResult(functools.partial(wrapped, self))

    return wrapped


class Metric:
    """Base class: make the state with `add_variable`, define `update_state` and `result`."""

    _direction: str | None = None  # which way is better, "up" or "down": for callbacks that watch this metric

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "result" in vars(cls):
            cls.result = _promised(vars(cls)["result"])  # type: ignore[method-assign,assignment]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.dtype = standardize_dtype(dtype)
        self._own_variables: list[Variable] = []

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A number or array of state. `aggregation` is accepted as in Keras and has no effect."""
        with name_scope(self.name):
            variable = Variable(initializer, shape=tuple(shape), dtype=dtype, trainable=False, name=name)
        self._own_variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """The same as add_variable."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """All state, that of metrics inside this one included."""
        found = list(self._own_variables)
        for value in vars(self).values():
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, Metric):
                    found.extend(item.variables)
        return found

    def reset_state(self) -> None:
        """Back to zero."""
        in_trace = current_trace() is not None
        for variable in self.variables:
            if in_trace:
                variable.assign(0)
            else:
                variable._write(0)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes a batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state()")

    def result(self) -> Any:
        """The value for everything since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric, without its state."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric with these arguments."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
