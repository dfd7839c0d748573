"""The next value of a time series from the values before it: an LSTM over a window, many-to-one.

The series is cut in time: the last fifth is the test, and the part before it the validation. Values are scaled by mean
and deviation of the training part. The model predicts how far the next value is from the last one, so that at its start
it is the naive forecast ("tomorrow as today"), which is the baseline. Errors are in the unit of the series.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe, Report

PICTURE = "forecast.png"
SHOWN = 200  # steps of the test in the picture


class Forecast(Recipe):
    name = "forecast"
    title = "LSTM forecast"
    description = "The next value of a time series, one step ahead"
    defaults: Mapping[str, Defaults] = {
        "sunspots": Defaults(
            epochs=40, batch_size=32, learning_rate=2e-3, clipnorm=1.0, model={"window": 48, "units": 32}
        ),
        "min_temperatures": Defaults(
            epochs=20, batch_size=32, learning_rate=2e-3, clipnorm=1.0, model={"window": 30, "units": 32}
        ),
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        from linnet.datasets import timeseries

        dates, values = timeseries.load_data(data, data_dir=data_dir)
        window = int(self.defaults[data].model["window"])
        test = len(values) - len(values) // 5
        valid = test - test // 10
        mean, deviation = float(values[:valid].mean()), float(values[:valid].std())
        scaled = ((values - mean) / deviation).astype(np.float32)
        x = np.lib.stride_tricks.sliding_window_view(scaled, window)[:-1, :, None]  # (n, window, 1)
        y = scaled[window:, None] - scaled[window - 1 : -1, None]
        a, b = valid - window, test - window  # rows whose target is the first of its part
        return Data(
            x_train=np.ascontiguousarray(x[:a]),
            y_train=y[:a],
            x_test=np.ascontiguousarray(x[b:]),
            y_test=y[b:],
            classes=(),
            text=f"{len(values):,} values, {dates[0]} to {dates[-1]}; the test begins with {dates[test]}",
            validation=(np.ascontiguousarray(x[a:b]), y[a:b]),
            extra={"dates": dates[test:], "values": values[test:], "mean": mean, "deviation": deviation},
        )

    def build(self, data: Data, window: int, units: int) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        return linnet.Sequential(
            [linnet.Input((window, 1)), layers.LSTM(units, name="lstm"), layers.Dense(1, name="output")],
            name="forecast",
        )

    def loss(self) -> Any:
        return "mse"

    def metrics(self) -> list[Any]:
        return []

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        forecast, _, truth = self._forecast(model, data, batch_size)
        error = forecast - truth
        return {"mean absolute error": float(np.abs(error).mean()), "rmse": float(np.sqrt(np.square(error).mean()))}

    def baseline(self, data: Data) -> str:
        error = data.y_test[:, 0] * data.extra["deviation"]
        return (
            f"the value before: mean absolute error {np.abs(error).mean():.4g}, "
            f"rmse {np.sqrt(np.square(error).mean()):.4g}"
        )

    def report(self, model: Any, data: Data, folder: Path) -> Report:
        try:
            from linnet.viz import plot_forecast
        except ModuleNotFoundError:
            return Report()
        forecast, naive, truth = self._forecast(model, data, 256)
        shown = min(SHOWN, len(truth))
        plot_forecast(
            data.extra["dates"][:shown],
            truth[:shown],
            {"LSTM": forecast[:shown], "the value before": naive[:shown]},
            folder / PICTURE,
        )
        return Report(files=(PICTURE,))

    def _forecast(self, model: Any, data: Data, batch_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Forecasts, naive forecasts and true values of the test part, each (n,), in the unit of the series."""
        steps = np.asarray(model.predict(data.x_test, batch_size=batch_size, verbose=0))[:, 0]
        mean, deviation = data.extra["mean"], data.extra["deviation"]
        last = data.x_test[:, -1, 0]
        return (last + steps) * deviation + mean, last * deviation + mean, (last + data.y_test[:, 0]) * deviation + mean


RECIPE = Forecast()
