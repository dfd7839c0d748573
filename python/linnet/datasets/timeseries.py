"""Three classic time series: air travel, sunspots and temperatures.

    airline_passengers    144 months, 1949 to 1960, in thousands (Box and Jenkins, 1976)
    sunspots              2,820 months, 1749 to 1983 (Andrews and Herzberg, 1985)
    min_temperatures      3,650 days, 1981 to 1990, degrees Celsius in Melbourne

From the Time Series Data Library. 0.1 MB, downloaded once (source.py says from where else they are read).
"""

import csv
import os

import numpy as np

from linnet.datasets.source import Source, locate, read_text

FILES = {
    "airline_passengers": "airline-passengers.csv",
    "sunspots": "monthly-sunspots.csv",
    "min_temperatures": "daily-min-temperatures.csv",
}
SOURCE = Source(
    name="timeseries",
    title="Time series",
    mirrors=("https://raw.githubusercontent.com/jbrownlee/Datasets/master/",),
    files=tuple(FILES.values()),
    sha256={
        "airline-passengers.csv": "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621",
        "monthly-sunspots.csv": "c4ec8cc57d9f6fb6ecdb3e1f37f25b6f4badd5124c55931052b0cd2fc3bc71f3",
        "daily-min-temperatures.csv": "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",
    },
)


def load_data(name: str, data_dir: str | os.PathLike[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(dates, values) in the order of time: datetime64 of months or days (n,), float32 (n,).

    name: "airline_passengers", "sunspots" or "min_temperatures".
    data_dir: a folder with the original files in DIR/timeseries or DIR. Left out: LINNET_DATA_DIR, else the cache, else
        a download.

    Raises ValueError for another name, and one that names file and line where a line is not a date and a number.
    """
    if name not in FILES:
        raise ValueError(f"timeseries: expected a name among {', '.join(FILES)}, got {name!r}")
    path = locate(SOURCE, data_dir, [FILES[name]])[FILES[name]]
    dates, values = [], []
    for number, row in enumerate(csv.reader(read_text(path).splitlines()), 1):
        if number == 1 or not row:  # the header
            continue
        try:
            date, value = row
            dates.append(np.datetime64(date))
            values.append(float(value))
        except ValueError:
            raise ValueError(f"{path}, line {number}: expected a date and a number, got {','.join(row)!r}") from None
    return np.array(dates), np.array(values, np.float32)
