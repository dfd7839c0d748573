"""`Functional`: a model made of a graph of calls, Model(inputs, outputs). Several inputs and outputs may be lists or
dicts; layers may be shared and models nested."""

from __future__ import annotations

from typing import Any

from linnet.models.model import Model


class Functional(Model):
    """Model(inputs, outputs, name=None).

    inputs: a symbolic tensor, or a list or dict of them. outputs: the same. Data for `fit` has the same structure; for
    several inputs a dict by input names works too.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)

    def get_config(self) -> dict[str, Any]:
        from linnet.models.functional_config import config_of

        return config_of(self)
