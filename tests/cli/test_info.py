import pytest

import linnet
from linnet import _engine
from linnet.cli import main
from linnet.cli.info import rows


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for text in (linnet.__version__, _engine.isa(), *_engine.available_isas(), _engine.cpu_info()["model"]):
        assert text in out
    assert "L1d " in out


def test_the_reason_for_the_threads() -> None:
    default, reason = _engine.default_num_threads()
    before = linnet.num_threads()
    try:
        linnet.set_num_threads(default)
        assert dict(rows())["threads"].startswith(f"{default} ({reason};")
        linnet.set_num_threads(default + 1)
        assert dict(rows())["threads"].startswith(f"{default + 1} (set by the program;")
    finally:
        linnet.set_num_threads(before)
