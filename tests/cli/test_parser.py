import pytest

from linnet.cli.parser import Parser, fraction, positive_float, positive_int, seed_int


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(positive_int, "12", 12), (positive_float, "1e-3", 1e-3), (fraction, "0", 0.0), (seed_int, "0", 0)],
)
def test_numbers(kind, text: str, value: float) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (positive_int, "0", "a positive whole number"),
        (positive_int, "1.5", "a positive whole number"),
        (positive_float, "-1", "a positive number"),
        (positive_float, "inf", "a positive number"),
        (positive_float, "nan", "a positive number"),
        (fraction, "1", "a fraction from 0 to below 1"),
        (seed_int, "-1", "a whole number from 0 to 4294967295"),
    ],
)
def test_wrong_numbers_are_told(kind, text: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="test")
    parser.add_argument("--value", type=kind)
    with pytest.raises(SystemExit) as end:
        parser.parse([f"--value={text}"])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error == f"test: argument --value: expected {expected}, got '{text}' (see test --help)\n"
