"""Objects to plain JSON values and back.

An object with `get_config()` becomes

    {"module": "layers", "class_name": "Dense", "config": {...}, "registered_name": None}

and a function becomes the same with class_name "function" and its name as config. The form is that of Keras 3, so the
JSON of a Keras model that uses only what linnet has can be read too. Numbers, strings, None, lists and dictionaries
stand for themselves; tuples, arrays and slices, which JSON lacks, are dictionaries with a marked class_name.

What a configuration may name is decided by registry.py: this file never imports anything by name.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.saving import registry


def serialize_keras_object(obj: Any) -> Any:
    """The JSON form of a value, function, layer, loss, optimizer, ..."""
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, list):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, tuple):
        return {"class_name": "__tuple__", "items": [serialize_keras_object(item) for item in obj]}
    if isinstance(obj, slice):
        return {"class_name": "__slice__", "items": [obj.start, obj.stop, obj.step]}
    if isinstance(obj, Mapping):
        return {str(key): serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        raise ValueError(
            "a lambda cannot be saved, for its code would have to be stored and executed on loading; define a named "
            "function and decorate it with @linnet.saving.register_keras_serializable()"
        )
    if isinstance(obj, (types.FunctionType, type)) or type(obj).__name__ == "pybind11_function":
        return _reference("function" if not isinstance(obj, type) else "class", obj, obj)
    if hasattr(obj, "get_config"):
        return _reference(type(obj).__name__, type(obj), None, serialize_dict(obj.get_config()))
    raise TypeError(f"cannot serialize {obj!r} of type {type(obj).__name__}: it has no get_config() method")


def serialize_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with each of its values serialized."""
    return {key: serialize_keras_object(value) for key, value in config.items()}


def _reference(class_name: str, item: Any, named: Any, config: Any = None) -> dict[str, Any]:
    package = registry.package_of(item)
    registered_name = None if package else registry.get_registered_name(item)
    return {
        "module": package or item.__module__,
        "class_name": class_name,
        "config": named.__name__ if named is not None else config,
        "registered_name": registered_name,
    }


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, kind: str = "object"
) -> Any:
    """The value that a JSON form stands for. `safe_mode` is accepted as in Keras; loading is always safe."""
    if config is None or isinstance(config, (bool, int, float, str)):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(item, custom_objects, safe_mode, kind) for item in config]
    if not isinstance(config, Mapping):
        raise TypeError(f"cannot deserialize {config!r} of type {type(config).__name__}")
    class_name = config.get("class_name")
    if not isinstance(class_name, str):
        return {key: deserialize_keras_object(value, custom_objects, safe_mode, kind) for key, value in config.items()}
    if class_name == "__tuple__":
        return tuple(deserialize_keras_object(item, custom_objects, safe_mode, kind) for item in config["items"])
    if class_name == "__slice__":
        return slice(*config["items"])
    if class_name == "__numpy__":
        return np.array(config["config"]["value"], dtype=config["config"]["dtype"])
    inner = config.get("config")
    if class_name == "DTypePolicy" and isinstance(inner, Mapping):
        return inner.get("name")  # Keras's type policies: linnet has types only
    if class_name in ("function", "class"):
        return find_object(str(inner), config, custom_objects, kind)
    cls = find_object(class_name, config, custom_objects, kind)
    if not isinstance(cls, type) or not hasattr(cls, "from_config"):
        raise ValueError(f'"{class_name}" is not a class that can be made from a configuration')
    if not isinstance(inner, Mapping):
        raise ValueError(f'the configuration of "{class_name}" must be a dictionary, not {inner!r}')
    arguments = {key: _plain(value) for key, value in inner.items()}
    with registry.custom_object_scope(custom_objects or {}):
        return cls.from_config(arguments)


def _plain(value: Any) -> Any:
    """A value with its tuples, arrays and slices restored; configurations of objects are left to from_config."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        if value.get("class_name") in ("__tuple__", "__slice__", "__numpy__"):
            return deserialize_keras_object(value)
        return {key: _plain(item) for key, item in value.items()}
    return value


def deserialize_dict(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A configuration with each of its values deserialized."""
    return {key: deserialize_keras_object(value, custom_objects) for key, value in config.items()}


def find_object(name: str, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None, kind: str) -> Any:
    """The class or function that a configuration names; the user's objects come before linnet's own."""
    for key in (config.get("registered_name"), name):
        if isinstance(key, str):
            found = registry.get_registered_object(key, custom_objects)
            if found is not None:
                return found
    module = config.get("module")
    if isinstance(module, str):
        found = registry.builtin_object(module, name)
        if found is not None:
            return found
    candidates = [name for package in registry.PACKAGES for name in registry.public_names(package)]
    raise registry.unknown(kind, name, custom_objects, candidates)


class Lookup:
    """`get`, `serialize` and `deserialize` of one package: strings, configurations and callables to objects.

    `names` maps what a string may be ("relu", "he_normal", "HeNormal") to a class or function.
    """

    def __init__(self, kind: str, package: str, names: Mapping[str, Any]) -> None:
        self.kind = kind
        self.package = package
        self.names = names

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object that a name or a configuration stands for; classes are made with their defaults."""
        if isinstance(config, Mapping):
            if "class_name" not in config:
                raise ValueError(f"a {self.kind} configuration needs a class_name: {dict(config)!r}")
            config = {"module": self.package, "registered_name": None, **config}
            return deserialize_keras_object(config, custom_objects, kind=self.kind)
        found = registry.get_registered_object(config, custom_objects)
        if found is None:
            found = self.names.get(config)
        if found is None:
            raise registry.unknown(self.kind, config, custom_objects, list(self.names))
        return found() if isinstance(found, type) else found

    def get(self, identifier: Any) -> Any:
        """The object for None, a name, a configuration, a class, a function or an object."""
        if identifier is None:
            return None
        if isinstance(identifier, (str, Mapping)):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier):
            return identifier
        raise ValueError(f"cannot read {identifier!r} as a {self.kind}: give a name, a configuration or a callable")
