"""How a layer is called: the three ways (traced, symbolic, eager), the shapes for `build`, the masks, and the record of
what __init__ was given. Helpers of `layer.py`; nothing here is public.

An eager call keeps its program in the layer, under the shapes of the arrays, the other arguments and the number of
public attributes that have changed so far in any layer: setting `dropout.rate` makes a new program. Start reading in
`call_traced`; the other two ways lead to it.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.masks import get_keras_mask, with_mask
from linnet.backend.operation import Node, infer
from linnet.backend.program import ProgramCache, run_eagerly
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace, current_trace, eager
from linnet.backend.tree import flatten, freeze, map_structure, pack_like
from linnet.backend.variable import Variable

if TYPE_CHECKING:
    from linnet.layers.layer import Layer


class _Version:
    number = 0  # grows when a public attribute of any layer changes outside a trace: eager programs may be stale then


def note_change() -> None:
    if current_trace() is None:
        _Version.number += 1


def change_count() -> int:
    """How often a public attribute of any layer has changed."""
    return _Version.number


@functools.lru_cache(maxsize=1024)
def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The parameter names of an unbound method, without self."""
    return tuple(inspect.signature(function).parameters)[1:]


# ---- configuration ---------------------------------------------------------------------------------------------------


def bind_init(cls: type, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of __init__ by name; empty when they do not fit (then __init__ itself raises)."""
    names = parameters(cls.__init__)  # type: ignore[misc]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def add_captured_arguments(layer: Layer, config: dict[str, Any]) -> None:
    """Adds the arguments of __init__ to a config, or says that the class must write get_config itself."""
    for key, value in layer._arguments.items():
        if key in config:
            continue
        if not all(leaf is None or isinstance(leaf, (bool, int, float, str)) for leaf in flatten(value)):
            raise NotImplementedError(
                f"{layer._title()}: the argument {key}={value!r} is not plain data, so {type(layer).__name__} has to "
                "define get_config() (and from_config() if needed) to be saved or cloned"
            )
        config[key] = value


def given_input_shape(given: dict[str, Any]) -> tuple | None:
    """The shape, batch included, from the old keywords input_shape, batch_input_shape, input_dim."""
    if "batch_input_shape" in given:
        return tuple(given["batch_input_shape"])
    if "input_shape" in given:
        shape = given["input_shape"]
        return (None, *([shape] if isinstance(shape, int) else shape))
    return (None, given["input_dim"]) if "input_dim" in given else None


# ---- shapes ----------------------------------------------------------------------------------------------------------


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(size is None or isinstance(size, int) for size in value)


def tuples(shapes: Any) -> Any:
    """Shapes that came through JSON as lists, as tuples again."""
    return map_shapes(tuple, shapes)


def map_shapes(function: Callable[[Any], Any], structure: Any) -> Any:
    """The structure with every shape in it replaced. A dict, list or tuple of shapes is a structure."""
    if _is_shape(structure) and len(structure):
        return function(tuple(structure))
    if isinstance(structure, dict):
        return {key: map_shapes(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure)(map_shapes(function, value) for value in structure)
    return structure


def shapes_of(structure: Any) -> Any:
    """The public shapes of a structure of tensors, arrays or variables (None for other leaves)."""
    return map_structure(lambda leaf: tuple(leaf.shape) if hasattr(leaf, "shape") else None, structure)


def build_if_needed(layer: Layer, args: tuple, kwargs: dict[str, Any]) -> None:
    """Calls build with the shapes of the call's tensors; `build(self, query_shape, value_shape)` gets them by name."""
    if layer.built:
        return
    wanted = parameters(type(layer).build)
    given = dict(zip(parameters(type(layer).call), args, strict=False))
    given.update(kwargs)
    shapes = {f"{key}_shape": shapes_of(value) for key, value in given.items() if _has_tensor(value)}
    with eager():
        if len(wanted) == 1 or not all(name in shapes for name in wanted[:1]):
            first = args[0] if args else next(iter(given.values()), None)
            layer.build(shapes_of(first))
        else:
            layer.build(**{name: shapes[name] for name in wanted if name in shapes})
    layer.built = True


def _has_tensor(value: Any) -> bool:
    return any(isinstance(leaf, (Tensor, KerasTensor, np.ndarray)) for leaf in flatten(value))


def check_input(layer: Layer, inputs: Any) -> None:
    """Holds the first argument against layer.input_spec."""
    specs = layer.input_spec
    if specs is None:
        return
    leaves = flatten(inputs)
    if not isinstance(specs, (list, tuple, dict)):
        specs = [specs] * len(leaves)
    specs = flatten(specs)
    if len(specs) != len(leaves):
        raise layer.error(f"expected {len(specs)} inputs, got {len(leaves)}")
    for spec, leaf in zip(specs, leaves, strict=True):
        complaint = None if leaf is None or spec is None else spec.complaint(tuple(leaf.shape))
        if complaint:
            raise layer.error(complaint)


# ---- the three ways --------------------------------------------------------------------------------------------------


def call_traced(layer: Layer, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Runs layer.call inside the current trace."""
    trace = current_trace()
    assert trace is not None

    def into_trace(leaf: Any) -> Any:
        return trace.tensor(leaf) if isinstance(leaf, (np.ndarray, Variable)) else leaf

    args = tuple(map_structure(into_trace, argument) for argument in args)
    kwargs = {key: map_structure(into_trace, value) for key, value in kwargs.items()}
    names = parameters(type(layer).call)
    before = trace.training
    if "training" in names:
        place = names.index("training")
        given = args[place] if place < len(args) else kwargs.get("training")
        if given is None and before is not None and place >= len(args):
            kwargs["training"] = before
        elif given is not None:
            trace.training = given
    elif kwargs.get("training") is not None and "kwargs" not in names:
        trace.training = kwargs.pop("training")
    else:
        kwargs = {key: value for key, value in kwargs.items() if key != "training" or "kwargs" in names}
    first = args[0] if args else next(iter(kwargs.values()), None)
    kwargs = _fill_masks(names, args, kwargs)
    given = dict(zip(names, args, strict=False)) | kwargs
    # Read before the call, which may put masks on other tensors.
    mask = map_structure(get_keras_mask, first) if given.get("mask") is None else given["mask"]
    try:
        with trace.layer(layer.name):
            # The rank is checked before build, which may rely on it, and the sizes that build found out after it.
            check_input(layer, first)
            build_if_needed(layer, args, kwargs)
            check_input(layer, first)
            outputs = layer.call(*args, **kwargs)
            if layer.activity_regularizer is not None:
                for output in flatten(outputs):
                    penalty = layer.activity_regularizer(output)
                    # Per sample, so that its weight in the loss does not depend on the batch size.
                    layer.add_loss(penalty / trace.add("count", [output], axes=[0]) if output.dims else penalty)
            outputs = _pass_mask(layer, first, mask, outputs)
    except Exception as error:
        if not getattr(error, "__notes__", None) and layer.name not in str(error):
            error.add_note(f"in {layer._title()}, called with shapes {shapes_of(first)}")
        raise
    finally:
        trace.training = before
    return outputs


def _fill_masks(names: tuple[str, ...], args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """kwargs with the masks of the tensors for every parameter `mask` (of the first argument) or `query_mask` (of the
    argument `query`) that was not given."""
    given = dict(zip(names, args, strict=False)) | kwargs
    filled = dict(kwargs)
    for name in names:
        if given.get(name) is not None or (name != "mask" and not name.endswith("_mask")):
            continue
        source = next(iter(given.values()), None) if name == "mask" else given.get(name.removesuffix("_mask"))
        mask = map_structure(get_keras_mask, source)
        if any(leaf is not None for leaf in flatten(mask)) and names.index(name) >= len(args):
            filled[name] = mask
    return filled


def _pass_mask(layer: Layer, inputs: Any, mask: Any, outputs: Any) -> Any:
    """The outputs with the masks that the layer gives them."""
    from linnet.layers.layer import Layer

    masked = any(leaf is not None for leaf in flatten(mask))
    if not layer.supports_masking:
        # A layer that takes the mask knows what it does with it.
        if masked and "mask" not in parameters(type(layer).call):
            warnings.warn(
                f"{layer._title()}: the input has a mask, but this layer does not support masking: what follows will "
                "not see it; define compute_mask, or set supports_masking = True if the mask holds for the output",
                stacklevel=2,
            )
        return outputs
    if not masked and type(layer).compute_mask is Layer.compute_mask:
        return outputs
    leaves = flatten(outputs)
    if all(get_keras_mask(leaf) is not None for leaf in leaves):
        return outputs
    masks = flatten(layer.compute_mask(inputs, mask if masked else None))
    masks += [None] * (len(leaves) - len(masks))
    taken = {id(leaf) for leaf in flatten(inputs)}
    for i, (leaf, own) in enumerate(zip(leaves, masks, strict=False)):
        if isinstance(leaf, Tensor) and leaf._keras_mask is None and own is not None:
            if id(leaf) in taken:  # the layer gave back its input, which must not change
                leaves[i] = with_mask(leaf, own)
            else:
                leaf._keras_mask = own
    return pack_like(outputs, leaves)


def call_symbolically(layer: Layer, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Notes down a node and returns its symbolic outputs."""
    if not layer.built:
        check_input(layer, args[0] if args else next(iter(kwargs.values())))
        build_if_needed(layer, args, kwargs)
    outputs = infer(layer.replay, args, kwargs)
    Node(layer, args, kwargs, outputs)
    return outputs


def call_eagerly(layer: Layer, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Runs at once on arrays, through a program kept for these shapes and settings."""
    from linnet import random

    arrays: list[Any] = []

    def take(leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            raise layer.error("called with a tensor of a trace that has ended; tensors live only inside the call")
        if isinstance(leaf, (bool, int, float, str, bytes, type(None))) or callable(leaf):
            return leaf
        if not isinstance(leaf, (np.ndarray, Variable)) and not hasattr(leaf, "__array__"):
            return leaf
        arrays.append(leaf._public() if isinstance(leaf, Variable) else np.asarray(leaf))
        index, mask = len(arrays) - 1, get_keras_mask(leaf)
        if mask is not None:
            arrays.append(np.asarray(mask))
        return _Slot(index, mask is not None)

    # [[1., 2.], [3., 4.]] is an array written out, [array, array] two inputs.
    if args and isinstance(args[0], (list, tuple)) and args[0]:
        leaves = flatten(args[0])
        if all(isinstance(leaf, (bool, int, float)) for leaf in leaves):
            args = (np.asarray(args[0]), *args[1:])
    plan_args, plan_kwargs = map_structure(take, (args, kwargs))

    def traced(inputs: list[Tensor]) -> Any:
        def fill(leaf: Any) -> Any:
            if not isinstance(leaf, _Slot):
                return leaf
            return with_mask(inputs[leaf.index], inputs[leaf.index + 1]) if leaf.masked else inputs[leaf.index]

        found = layer.replay(*map_structure(fill, plan_args), **map_structure(fill, plan_kwargs))
        return found, [get_keras_mask(leaf) for leaf in flatten(found)]

    if not layer.built:
        # Building changes the version, so it comes before the key is made.
        blank = lambda leaf: np.empty((0, *arrays[leaf.index].shape[1:])) if isinstance(leaf, _Slot) else leaf  # noqa: E731
        infer_build(layer, map_structure(blank, plan_args), map_structure(blank, plan_kwargs))
    if layer._programs is None:
        layer._programs = ProgramCache(8)
    key: Any = (_Version.number, freeze(plan_args), freeze(plan_kwargs))
    try:
        hash(key)
    except TypeError:
        key = None
    seed, step = random.eager_counter()
    (result, masks), losses = run_eagerly(
        key,
        traced,
        arrays,
        batched=True,
        cache=layer._programs,
        training=None,
        collect=lambda trace: trace.losses,
        seed=seed,
        step=step,
    )
    layer._eager_losses = losses
    if any(mask is not None for mask in masks):
        return pack_like(result, [with_mask(*pair) for pair in zip(flatten(result), masks, strict=True)])
    return result


def infer_build(layer: Layer, args: tuple, kwargs: dict[str, Any]) -> None:
    """Builds the layer, and all layers inside it, by one trace that is thrown away."""
    trace = Trace()
    counter = 0

    def placeholder(leaf: Any) -> Any:
        nonlocal counter
        if not isinstance(leaf, np.ndarray):
            return leaf
        counter += 1
        return trace.input(f"input_{counter}", (-1, *leaf.shape[1:]) if leaf.ndim else ())

    with trace:
        layer.replay(*map_structure(placeholder, args), **map_structure(placeholder, kwargs))


class _Slot:
    """Stands for array number `index` in the arguments of an eager call. Its mask, if any, is the array after."""

    def __init__(self, index: int, masked: bool = False) -> None:
        self.index = index
        self.masked = masked

    def __hash__(self) -> int:
        return hash((_Slot, self.index, self.masked))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Slot) and (other.index, other.masked) == (self.index, self.masked)
