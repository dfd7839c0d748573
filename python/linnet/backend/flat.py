"""`FlatParameters`: all trainable weights of a model in one float32 array.

Each variable starts at a multiple of 16 floats (a cache line); the gaps are zero and stay zero: no update visits them,
or their gradient is zero. So an optimizer's step is one launch over one array (`Optimizer._apply_in_one_pass`), with
the gradients taken from wherever backward left them, and saving or a sum over processes is one pass.

A variable belongs to the layout made last: laying out a second model that shares it moves it there, and the first
model's layout is then no longer `valid` and is made anew before its next training step.
"""

from collections.abc import Sequence

from linnet.backend.variable import Variable, aligned_zeros

ALIGNMENT = 16  # floats


class FlatParameters:
    """variables: float32, without repetition. Their arrays become views of `variable`'s array."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.variables = list(variables)
        self.offsets: dict[int, int] = {}  # id(variable) -> first float
        size = 0
        for variable in self.variables:
            self.offsets[id(variable)] = size
            size += -(-variable.size // ALIGNMENT) * ALIGNMENT
        self.size = size
        self.variable = Variable(aligned_zeros((size,)), name="parameters")
        whole = self.variable._array
        self._views = []
        for variable in self.variables:
            start = self.offsets[id(variable)]
            view = whole[start : start + variable.size].reshape(variable.shape)
            variable.move_to(view)
            self._views.append(view)

    def valid(self, variables: Sequence[Variable]) -> bool:
        """Whether this is still the layout of exactly these variables, in this order."""
        return len(variables) == len(self.variables) and all(
            given is own and own._array is view
            for given, own, view in zip(variables, self.variables, self._views, strict=True)
        )
