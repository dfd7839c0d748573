"""Event files: known checksums, and records read back byte by byte; by TensorBoard itself where it is installed."""

import struct

import numpy as np
import pytest

from linnet.callbacks.event_file import EventFile, crc32c, histogram, masked_crc32c, scalar


@pytest.mark.parametrize(
    ("data", "crc"),  # RFC 3720, B.4
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksums(data, crc):
    assert crc32c(data) == crc


def records(path):
    """The data of all records of a file; a wrong checksum fails."""
    data = path.read_bytes()
    found = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12])[0] == masked_crc32c(data[:8])
        body = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked_crc32c(body)
        found.append(fields(body))
        data = data[16 + length :]
    return found


def fields(message):
    """{field number: [values]} of a Protocol Buffers message; submessages stay bytes."""
    found = {}
    while message:
        key, message = varint(message)
        kind = key & 7
        if kind == 0:
            value, message = varint(message)
        elif kind == 1:
            value, message = struct.unpack("<d", message[:8])[0], message[8:]
        elif kind == 5:
            value, message = struct.unpack("<f", message[:4])[0], message[4:]
        else:
            length, message = varint(message)
            value, message = message[:length], message[length:]
        found.setdefault(key >> 3, []).append(value)
    return found


def varint(data):
    value = 0
    for i, byte in enumerate(data):
        value |= (byte & 127) << (7 * i)
        if byte < 128:
            return value, data[i + 1 :]
    raise AssertionError("a number without an end")


def values(event):
    """{tag: number, or the fields of a histogram}."""
    found = {}
    for value in fields(event[5][0])[1]:
        one = fields(value)
        found[one[1][0].decode()] = one[2][0] if 2 in one else fields(one[5][0])
    return found


def test_scalars_and_histograms(tmp_path):
    file = EventFile(tmp_path / "run")
    file.add(300, [scalar("loss", 0.5), scalar("größe", float("nan"))])
    array = np.append(np.arange(100.0), np.nan)
    file.add(-1, [histogram("weights", array)])
    file.add(7, [])
    file.close()
    head, numbers, weights = records(next((tmp_path / "run").iterdir()))
    assert head[3] == [b"brain.Event:2"]
    assert numbers[2] == [300]
    found = values(numbers)
    assert found["loss"] == 0.5
    assert np.isnan(found["größe"])
    assert weights[2] == [2**64 - 1]
    found = values(weights)["weights"]
    assert [found[i][0] for i in (1, 2, 3, 4, 5)] == [0, 99, 100, 4950, 328350]
    limits, counts = (np.frombuffer(found[i][0], "<f8") for i in (6, 7))
    assert limits.shape == counts.shape
    assert limits[-1] == 99
    assert counts.sum() == 100


def test_two_files_in_one_folder_have_two_names(tmp_path):
    files = [EventFile(tmp_path) for _ in range(2)]
    for file in files:
        file.close()
    assert files[0].path != files[1].path


def test_tensorboard_reads_them(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    file = EventFile(tmp_path)
    for step in range(3):
        file.add(step, [scalar("loss", 1.0 / (step + 1)), histogram("weights", np.arange(10.0))])
    file.close()
    events = reader.EventAccumulator(str(tmp_path)).Reload()
    assert "loss" in events.Tags()["scalars"] + events.Tags()["tensors"]
