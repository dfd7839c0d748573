"""The base of all constraints: a callable from a weight to the nearest one that is allowed, applied after each step."""

from __future__ import annotations

from typing import Any, Self


class Constraint:
    """Base class: define `__call__(w)` with `linnet.ops`, and `get_config`."""

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A constraint with these arguments."""
        return cls(**config)
