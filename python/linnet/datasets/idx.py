"""Reads IDX, the format of MNIST and its relatives.

A file is a magic number, one big-endian uint32 per axis, then the elements in C order. The magic number is two zero
bytes, a byte for the element type (8: unsigned byte, the only one read here) and a byte for the number of axes: images
are 0x00000803, labels 0x00000801. Files are gzipped. Everything a damaged or foreign file can have is a ValueError
that names the file: the gzip layer, the magic number, the length.
"""

import gzip
import math
import os
import struct
import zlib

import numpy as np

UNSIGNED_BYTE = 8


def read_idx(path: str | os.PathLike[str], rank: int) -> np.ndarray:
    """The uint8 array of `rank` axes in a gzipped IDX file."""
    path = os.fspath(path)
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
    except EOFError:
        raise ValueError(
            f"{path}: the gzip file is cut off ({os.path.getsize(path):,} bytes); fetch it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: not a sound gzip file ({error}); fetch it again") from None

    expected = UNSIGNED_BYTE << 8 | rank
    magic = struct.unpack(">I", data[:4])[0] if len(data) >= 4 else None
    if magic != expected:
        got = f"the magic number is 0x{magic:08x}" if magic is not None else f"only {len(data)} bytes"
        raise ValueError(
            f"{path}: not an IDX file of unsigned bytes with {rank} axes: {got}, expected 0x{expected:08x}"
        )
    header = 4 + 4 * rank
    if len(data) < header:
        raise ValueError(f"{path}: the IDX header is cut off: {len(data)} bytes, expected {header}")
    shape = struct.unpack(f">{rank}I", data[4:header])
    if len(data) - header != math.prod(shape):
        raise ValueError(
            f"{path}: {len(data) - header:,} bytes of data, the header announces {shape}, {math.prod(shape):,} bytes"
        )
    # frombuffer gives a read-only view of `data`; users may write into what load_data returns.
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape).copy()
