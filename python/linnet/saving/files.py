"""Reading and writing safetensors files, with no half-written file left behind and one clear error for a bad one.

A safetensors file is eight bytes with the length of a JSON header, the header (names, types, shapes and places of the
tensors, and free text under "__metadata__"), and the numbers. It holds no code and nothing is executed on reading.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = {
    b"PK\x03\x04": "a zip archive (a .keras model, a .npz file or the like)",
    b"\x89HDF": "an HDF5 file (.h5)",
    b"\x80": "a pickle",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"<": "a web page or XML: the download may have failed",
    b"version https://git-lfs": "a pointer to a Git LFS file, not the file itself",
}


def read(path: str | os.PathLike[str], names: Any = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors and the metadata of a safetensors file. names: a function that says which tensors to read."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            wanted = [name for name in file.keys() if names is None or names(name)]  # noqa: SIM118
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {_diagnosis(path)} ({error})") from None
    return tensors, metadata


def _diagnosis(path: Path) -> str:
    """What a file that cannot be read seems to be."""
    size = path.stat().st_size
    if size == 0:
        return "the file is empty"
    with open(path, "rb") as file:
        head = file.read(32)
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            return f"not a linnet file but {kind}"
    header = int.from_bytes(head[:8], "little")
    if size <= 8 or (head[8:9] == b"{" and header > size - 8):
        return "the file is truncated"
    if head[8:9] == b"{":
        return "the file is damaged or truncated"
    return "not a linnet file: it is not in the safetensors format"


def write(path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Writes a safetensors file in one step: readers see the old file or the new one, whatever happens."""
    from safetensors.numpy import save_file

    # safetensors copies the raw memory, so every array must be contiguous.
    ready = {name: np.ascontiguousarray(tensor).reshape(tensor.shape) for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(ready, temporary, dict(metadata))


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """Gives the name of a temporary file beside `path`, which replaces it at the end, unless an error occurred."""
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, mode)  # mkstemp makes files that only the owner can read
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _sync(path: str | os.PathLike[str]) -> None:
    """Waits until a file (or a folder's list of names) is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
