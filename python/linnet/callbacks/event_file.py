"""Event files, the format that TensorBoard reads, written without TensorFlow or protobuf.

A file is a sequence of records: the length (8 bytes), a checksum of the length, the data, a checksum of the data. The
checksum is CRC-32C, rotated and shifted by a constant ("masked"). The data of each record is one `Event` message of
Protocol Buffers; a message is a sequence of fields, each a key (number and kind) and a value. Only the few fields that
are needed are written here:

    Event      1: wall time   2: step   3: file version   5: Summary
    Summary    1: Value, repeated
    Value      1: tag   2: simple value   5: Histogram
    Histogram  1: min   2: max   3: count   4: sum   5: sum of squares   6: upper bounds   7: counts
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Iterable
from typing import Any

import numpy as np


def _table() -> list[int]:
    entries = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        entries.append(crc)
    return entries


_CRC = _table()
_serial = itertools.count()


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum. Records are a few kilobytes at most, so a loop over bytes will do."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """The checksum as records have it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record."""
    length = struct.pack("<Q", len(data))
    return b"".join([length, struct.pack("<I", masked_crc32c(length)), data, struct.pack("<I", masked_crc32c(data))])


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _whole(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def scalar(tag: str, value: float) -> bytes:
    """A Value with one number."""
    return _bytes(1, tag.encode()) + _float(2, value)


def histogram(tag: str, values: Any, bins: int = 30) -> bytes:
    """A Value with the distribution of an array's finite elements."""
    array = np.asarray(values, np.float64).reshape(-1)
    array = array[np.isfinite(array)]
    if array.size == 0:
        array = np.zeros(1)
    counts, edges = np.histogram(array, bins)
    message = b"".join(
        [
            _double(1, float(array.min())),
            _double(2, float(array.max())),
            _double(3, float(array.size)),
            _double(4, float(array.sum())),
            _double(5, float(np.square(array).sum())),
            _bytes(6, edges[1:].astype("<f8").tobytes()),
            _bytes(7, counts.astype("<f8").tobytes()),
        ]
    )
    return _bytes(1, tag.encode()) + _bytes(5, message)


def event(wall_time: float, step: int, values: Iterable[bytes]) -> bytes:
    """An Event with a Summary of these Values."""
    summary = b"".join(_bytes(1, value) for value in values)
    return _double(1, wall_time) + _whole(2, step) + _bytes(5, summary)


class EventFile:
    """A new event file in a folder, which is made if needed. TensorBoard reads all event files of a folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        os.makedirs(folder, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.{next(_serial)}.v2"
        self.path = os.path.join(folder, name)
        self._file = open(self.path, "ab")  # noqa: SIM115
        self._file.write(record(_double(1, now) + _bytes(3, b"brain.Event:2")))
        self._file.flush()

    def add(self, step: int, values: Iterable[bytes]) -> None:
        """Appends an event with these values."""
        values = list(values)
        if values:
            self._file.write(record(event(time.time(), step, values)))

    def flush(self) -> None:
        """Makes what was added visible to readers."""
        self._file.flush()

    def close(self) -> None:
        """No more events."""
        self._file.close()
