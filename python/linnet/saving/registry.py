"""Which classes and functions a configuration may name.

A saved model names its layers, losses and optimizers as strings. Those strings are looked up here and nowhere else: in
the public names of linnet's own packages, in what the user registered with `register_keras_serializable`, and in the
`custom_objects` given to the call or the surrounding `custom_object_scope`. Nothing is imported by name and nothing in
a file is ever executed, so a hostile file can at worst ask for an object that is not in the list.

Built-in objects are known by their package and class name ("layers", "Dense"), because losses and metrics share names.
The package is taken from the last part of the module path: "keras.layers" and "linnet.layers" both mean "layers".
User's objects are known by one registered name, "package>name", as in Keras.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypeVar

from linnet.backend.lookup import unknown_name

T = TypeVar("T")

# The packages whose public names a configuration may use. A fixed list: it is not taken from any file.
PACKAGES = (
    "models",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
)
FUNCTIONS = ("activations", "losses", "metrics")

_registered: dict[str, Any] = {}  # registered name -> class or function
_registered_names: dict[Any, str] = {}  # the opposite
_scopes: ContextVar[tuple[Mapping[str, Any], ...]] = ContextVar("linnet_custom_objects", default=())


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Decorator: lets files name this class or function as "package>name"."""

    def decorate(item: T) -> T:
        if isinstance(item, type) and not hasattr(item, "get_config"):
            raise ValueError(f"{item.__name__} cannot be registered: it has no get_config() method")
        registered_name = f"{package}>{name or getattr(item, '__name__', item)}"
        _registered[registered_name] = item
        _registered_names[item] = registered_name
        return item

    return decorate


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, or its own name."""
    return _registered_names.get(obj, obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """What was registered or is in scope under a name ("Package>Name" or, for custom_objects, "Name"), or None.

    module_objects: further names, asked last.
    """
    short = name.rsplit(">", 1)[-1]
    for scope in (custom_objects or {}, *reversed(_scopes.get())):
        for key in (name, short):
            if key in scope:
                return scope[key]
    return _registered[name] if name in _registered else (module_objects or {}).get(name)


def get_custom_objects() -> dict[str, Any]:
    """The registered objects; adding to this dictionary registers, as in Keras."""
    return _registered


@contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Inside this `with` block, configurations may use the names in `custom_objects`."""
    token = _scopes.set((*_scopes.get(), dict(custom_objects)))
    try:
        yield
    finally:
        _scopes.reset(token)


CustomObjectScope = custom_object_scope


def package_of(item: Any) -> str | None:
    """The public package ("layers") that exports a class or function, or None when it is not one of linnet's own."""
    if not getattr(item, "__module__", "").startswith("linnet."):
        return None
    name = getattr(item, "__name__", "")
    for package in PACKAGES:
        if item.__module__.startswith(f"linnet.{package}") and getattr(_module(package), name, None) is item:
            return package
    return None


def builtin_object(module: str, name: str) -> Any:
    """The class or function that (module, name) means, or None. Only public names of `PACKAGES` are found."""
    package = module.removeprefix("keras.").removeprefix("linnet.").removeprefix("src.")
    if package.startswith("models"):
        package = "models"  # keras.models, keras.src.models.functional, ...
    if package not in PACKAGES:
        return None
    if name not in public_names(package):
        return None
    found = getattr(_module(package), name)
    # Functions are named by configurations as activations, losses and metrics only.
    usable = isinstance(found, type) or (package in FUNCTIONS and name not in ("get", "serialize", "deserialize"))
    return found if usable else None


def public_names(package: str) -> list[str]:
    """The names of a package that a configuration may use."""
    return list(_module(package).__all__)


def unknown(kind: str, name: str, custom_objects: Mapping[str, Any] | None, candidates: list[str]) -> ValueError:
    """The error for a name that nothing answers to."""
    names = [*candidates, *(key.rsplit(">", 1)[-1] for key in _registered), *(custom_objects or {})]
    text = str(unknown_name(kind, name, names))
    if kind == "object":
        text = text.split("; known:")[0]  # hundreds of names would hide the rest
    end = "" if text.endswith("?") else "."
    return ValueError(
        f"{text}{end} An object of your own must be passed in custom_objects or registered with "
        f"@linnet.saving.register_keras_serializable()"
    )


def _module(package: str) -> ModuleType:
    return importlib.import_module(f"linnet.{package}")
