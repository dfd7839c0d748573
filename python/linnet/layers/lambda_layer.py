"""A function of tensors as a layer, for trying something out.

The function is written with linnet.ops, like `call` of a layer. A model with a Lambda trains and predicts but cannot be
saved: a file would have to hold the function's code, and linnet's files never hold code. A Layer of one's own, with
`call`, can be saved.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from linnet.layers.layer import Layer


class Lambda(Layer):
    """Calls function(inputs, **arguments); with mask= and training= where the function has such parameters.

    output_shape: accepted as in Keras; the shape is found by running the function. mask: what compute_mask gives, or a
    function (inputs, mask) of it. Raises TypeError when `function` is not callable; get_config(), and with it saving
    and cloning, raises NotImplementedError.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda needs a function of tensors, not {function!r}")
        self.function = function
        self.output_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._passed = {"mask", "training"} & set(inspect.signature(function).parameters)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        given = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: given[name] for name in sorted(self._passed)})

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"{self._title()}: a Lambda layer cannot be saved or cloned, since its function is code; write a class "
            "derived from linnet.Layer with this function as its call method, and register it with "
            "@linnet.saving.register_keras_serializable()"
        )
