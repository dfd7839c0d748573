"""Nothing: what comes in goes out. A placeholder where a layer is expected."""

from __future__ import annotations

from typing import Any

from linnet.layers.layer import Layer


class Identity(Layer):
    """Returns its input, also a structure of inputs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs
