"""Automatic names: the first Dense is "dense", the next "dense_1"; and the scopes that make a weight's path."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

_counters: dict[str, int] = {}
_scopes: list[str] = []


def to_snake_case(name: str) -> str:
    """ "Conv2D" -> "conv2d", "MaxPooling2D" -> "max_pooling2d", "ReLU" -> "re_lu"."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`prefix`, then `prefix_1`, `prefix_2`, ... in the order of the calls since the last clear_session()."""
    prefix = to_snake_case(prefix)
    count = _counters.get(prefix, 0)
    _counters[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def clear_session(free_memory: bool = True) -> None:
    """Starts the automatic names again and drops the cache of compiled eager operations.

    free_memory: accepted for Keras's sake; there is no other global state to free.
    """
    from linnet.backend.program import clear_cache

    _counters.clear()
    clear_cache()


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Inside, new variables get `name/` before their path."""
    _scopes.append(name)
    try:
        yield
    finally:
        _scopes.pop()


def scoped_path(name: str) -> str:
    """The open scopes and `name`, joined by slashes."""
    return "/".join([*_scopes, name])
