import json

import numpy as np
import pytest

from linnet import _engine
from linnet.cli import main
from linnet.cli.kernel_rows import Program, median_seconds, normal, rows

# One thread and as little time as possible: what is tested is the form of what is printed, not the figures.
QUICK = ["bench", "--seconds", "0.01"]


def levels() -> list[str]:
    return [name for name in _engine.available_isas() if name != "reference"]


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    before = _engine.num_threads(), _engine.isa()
    assert main([*QUICK, "--threads", "2"]) == 0
    assert (_engine.num_threads(), _engine.isa()) == before
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == f"{_engine.cpu_info()['model']}, {_engine.isa()}"
    for level in levels():
        assert any(line.startswith(f"  {level}, in registers") and line.endswith("GFLOP/s") for line in lines)
    for row in rows():
        line = next(line for line in lines if line.startswith(f"  {row.name} "))
        *_, rate, unit, share = line.split()
        assert float(rate) >= 0
        assert unit == ("GFLOP/s" if row.flops else "GB/s")
        assert share.endswith("%")
        assert any(line.startswith(row.group) and line.endswith("2 threads") for line in lines)


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["isa"] == _engine.isa()
    assert [limit["limit"] for limit in found["limits"]] == [
        *levels(), "memory, read", "memory, write", "memory, update", "memory, copy"
    ]  # fmt: skip
    assert all(limit["threads"]["1"] > 0 for limit in found["limits"])
    assert [kernel["kernel"] for kernel in found["kernels"]] == [row.name for row in rows()]
    for kernel in found["kernels"]:
        figures = kernel["threads"]["1"]
        assert figures["seconds"] > 0
        assert figures["rate"] > 0
        assert figures["share"] > 0


def test_all_threads_are_shown_beside_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINNET_NUM_THREADS", "3")
    monkeypatch.setattr("linnet.cli.kernel_rows.rows", lambda: rows()[:1])
    assert main(QUICK) == 0
    out = capsys.readouterr().out
    assert out.count("1 thread  ") == 2
    assert out.count("3 threads") == 2


@pytest.mark.parametrize("option", [["--threads", "0"], ["--seconds", "-1"], ["--seconds", "nan"]])
def test_wrong_options(option: list[str]) -> None:
    assert main(["bench", *option]) == 2


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_rows_know_their_work(row) -> None:
    assert (row.flops > 0) != (row.bytes > 0)
    row.build()()


def test_program_reads_arrays_in_place() -> None:
    a, b = normal(1, 3, 5), normal(2, 5, 4)
    program = Program()
    step = program.compile(program.add("matmul", program.array(a), program.array(b)))
    step()
    np.testing.assert_allclose(program.result(0), a @ b, rtol=1e-5)
    a *= 2
    step()
    np.testing.assert_allclose(program.result(0), a @ b, rtol=1e-5)


def test_short_steps_are_timed_many_at_a_time() -> None:
    calls = 0

    def step() -> None:
        nonlocal calls
        calls += 1

    assert 0 < median_seconds(step, 0.01) < 1e-3
    assert calls > 100
