"""A recurrent layer that reads its sequences in both directions (Schuster & Paliwal 1997): two layers with weights of
their own, one from the first step to the last and one from the last to the first, whose outputs are brought into the
same order and merged.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.lookup import unknown_name
from linnet.backend.tree import flatten
from linnet.layers.layer import Layer
from linnet.layers.layer_calls import parameters

MERGE_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """Wraps a recurrent layer.

    layer: its configuration is that of the forward layer, and with go_backwards that of the backward one.
    merge_mode: what becomes of the two outputs: "concat", "sum", "ave", "mul", or None for both.
    weights: arrays to begin with, those of the forward layer first.
    backward_layer: another layer for that direction; it must differ in go_backwards and agree in the other settings.
    Raises ValueError for anything else.
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, one in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(one, Layer) and not (one is None and name == "backward_layer"):
                raise ValueError(f"Bidirectional: {name} must be a layer, got {one!r}")
            if isinstance(one, Layer) and not hasattr(one, "go_backwards"):
                raise ValueError(
                    f"Bidirectional: {name} must be a recurrent layer, got {type(one).__name__} {one.name!r}"
                )
        if merge_mode not in MERGE_MODES:
            raise unknown_name("merge_mode", merge_mode, [str(mode) for mode in MERGE_MODES])
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = _copy(layer, "backward_", turned=True) if backward_layer is None else backward_layer
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        self._first_weights = None if weights is None else list(weights)

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Bidirectional: layer and backward_layer must differ in go_backwards, both have "
                f"{forward.go_backwards}; give backward_layer go_backwards={not forward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(
                    f"Bidirectional: layer and backward_layer must agree in {name}, they have {getattr(forward, name)} "
                    f"and {getattr(backward, name)}"
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for one in (self.forward_layer, self.backward_layer):
            if not one.built:
                one.build(sequences_shape)
        if self._first_weights is not None:
            half = len(self._first_weights) // 2
            self.forward_layer.set_weights(self._first_weights[:half])
            self.backward_layer.set_weights(self._first_weights[half:])

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        states: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [list(initial_state[:half]), list(initial_state[half:])]
        found = []
        for one, state in zip((self.forward_layer, self.backward_layer), states, strict=True):
            given = {"initial_state": state, "mask": mask, "training": training}
            names = parameters(type(one).call)
            found.append(one(sequences, **{k: v for k, v in given.items() if k in names and v is not None}))
        y, turned = found
        last: tuple[Any, ...] = ()
        if self.return_state:
            last = (*y[1:], *turned[1:])
            y, turned = y[0], turned[0]
        if self.return_sequences:
            # Each direction gives its outputs in the order in which it computed them.
            if self.forward_layer.go_backwards:
                y = ops.flip(y, axis=1)
            else:
                turned = ops.flip(turned, axis=1)
        output = self._merge(y, turned)
        if self.merge_mode is None:
            return (*output, *last)
        return (output, *last) if self.return_state else output

    def _merge(self, y: Any, turned: Any) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([y, turned], axis=-1)
        if self.merge_mode == "sum":
            return y + turned
        if self.merge_mode == "ave":
            return (y + turned) / 2.0
        return y * turned if self.merge_mode == "mul" else (y, turned)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        own = [mask if self.return_sequences else None] * (1 if self.merge_mode else 2)
        states = 2 * len(flatten(getattr(self.forward_layer, "state_size", []))) if self.return_state else 0
        return own + [None] * states

    @property
    def states(self) -> Any:
        """The states of both layers, when they are stateful; else None."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return (*forward, *backward) if forward and backward else None

    def reset_state(self) -> None:
        """Both layers begin with zeros again."""
        if not self.stateful:
            raise AttributeError(f"{self._title()} is not stateful: there is no state to reset")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as reset_state()."""
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        from linnet.saving import serialize_keras_object

        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }


def _copy(layer: Any, prefix: str, turned: bool = False) -> Any:
    """A new layer of the same configuration, named after it."""
    from linnet.saving import deserialize_keras_object, serialize_keras_object

    config = serialize_keras_object(layer)
    config["config"]["name"] = prefix + str(layer.name).removeprefix(prefix)
    if turned:
        config["config"]["go_backwards"] = not layer.go_backwards
    return deserialize_keras_object(config)
