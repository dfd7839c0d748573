from pathlib import Path

import numpy as np
import pytest

from linnet.datasets import timeseries


def test_dates_and_values(tmp_path: Path) -> None:
    (tmp_path / "monthly-sunspots.csv").write_text('"Month","Sunspots"\n"1749-01",58.0\n"1749-02",62.6\n')
    dates, values = timeseries.load_data("sunspots", tmp_path)
    assert dates.tolist() == np.array(["1749-01", "1749-02"], "datetime64[M]").tolist()
    np.testing.assert_allclose(values, [58.0, 62.6], rtol=1e-6)
    assert values.dtype == np.float32


@pytest.mark.parametrize("line", ["1749-03", '"1749-03",many', '"March",3.0'])
def test_broken_files(tmp_path: Path, line: str) -> None:
    (tmp_path / "monthly-sunspots.csv").write_text(f'"Month","Sunspots"\n"1749-01",58.0\n{line}\n')
    with pytest.raises(ValueError, match="line 3: expected a date and a number"):
        timeseries.load_data("sunspots", tmp_path)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="expected a name among airline_passengers, sunspots, min_temperatures"):
        timeseries.load_data("moonspots")


def test_the_real_files(real_data: Path) -> None:
    for name, rows in (("airline_passengers", 144), ("sunspots", 2820), ("min_temperatures", 3650)):
        dates, values = timeseries.load_data(name, real_data)
        assert len(dates) == len(values) == rows
        assert (np.diff(dates).astype(int) > 0).all()
        assert np.isfinite(values).all()
