"""Downloads a file once, into a cache, and only keeps it when its checksum is right.

Keras's `get_file` without archives, plus mirrors: `origin` may be several addresses, tried in order. The bytes go to a
temporary file in the cache folder, which is renamed to its final name after the checksum has been compared: whatever
interrupts a download, the cache never holds half a file, and two processes may fetch the same file at once. A cached
file whose checksum is wrong is fetched again.

Only the standard library's urllib is used.
"""

import hashlib
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 16


class DownloadError(OSError):
    """No address gave the file. The message holds one line per address."""


def cache_root() -> Path:
    """LINNET_CACHE, or ~/.cache/linnet."""
    return Path(os.environ.get("LINNET_CACHE") or "~/.cache/linnet").expanduser()


def get_file(
    fname: str | None = None,
    origin: str | Sequence[str] | None = None,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file that is downloaded unless the cache has it.

    fname: its name in the cache; the last part of the address when left out.
    origin: an address, or several that hold the same file.
    md5_hash, file_hash: what the checksum must be; both are compared when both are given. `file_hash` is of the kind
        `hash_algorithm`: "sha256", "md5", or "auto", which tells them apart by their length.
    cache_dir: LINNET_CACHE or ~/.cache/linnet when left out; `cache_subdir` lies in it.

    Raises DownloadError when no address gives the file, or gives another file than the checksum says.
    """
    addresses = [origin] if isinstance(origin, str) else list(origin or ())
    if not addresses:
        raise ValueError("get_file: expected an address in `origin`, got none")
    name = fname or urllib.parse.urlsplit(addresses[0]).path.rpartition("/")[2]
    if not name:
        raise ValueError(f"get_file: {addresses[0]} ends in no file name; pass `fname`")
    hashes = {"md5": md5_hash} if md5_hash else {}
    if file_hash:
        hashes[_algorithm(file_hash, hash_algorithm)] = file_hash

    folder = (cache_root() if cache_dir is None else Path(cache_dir)) / cache_subdir
    path = folder / name
    if path.is_file() and not force_download and _mismatch(path, hashes) is None:
        return str(path)

    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for address in addresses:
        descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _download(address, file, path.name)
                file.flush()
                os.fsync(file.fileno())
            wrong = _mismatch(Path(part), hashes)
            if wrong is None:
                os.chmod(part, 0o644)
                os.replace(part, path)
                return str(path)
            failures.append(f"{address}: {wrong}")
        except (OSError, HTTPException) as error:
            failures.append(f"{address}: {_reason(error)}")
        finally:
            Path(part).unlink(missing_ok=True)
    raise DownloadError(f"could not download {name}\n  " + "\n  ".join(failures))


def _download(address: str, file: BinaryIO, name: str) -> None:
    with urllib.request.urlopen(address, timeout=TIMEOUT) as response:
        announced = response.headers.get("Content-Length")
        size = int(announced) if announced else None
        received = 0
        # disable=None: no bar where standard error is not a terminal
        with tqdm(desc=name, total=size, unit="B", unit_scale=True, disable=None, leave=False) as bar:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                received += len(chunk)
                bar.update(len(chunk))
    if size is not None and received != size:
        raise OSError(f"the connection broke after {received:,} of {size:,} bytes")


def _algorithm(digest: str, algorithm: str) -> str:
    if algorithm == "auto":
        return "sha256" if len(digest) == 64 else "md5"
    if algorithm not in ("sha256", "md5"):
        raise ValueError(f'get_file: hash_algorithm is "auto", "sha256" or "md5", got {algorithm!r}')
    return algorithm


def _mismatch(path: Path, hashes: dict[str, str]) -> str | None:
    """Why the file is not the one the checksums name; None when it is."""
    for algorithm, expected in hashes.items():
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, algorithm).hexdigest()
        if actual != expected.lower():
            return f"wrong checksum: {algorithm} is {actual}, expected {expected.lower()}"
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT} seconds"
    return str(error) or type(error).__name__
