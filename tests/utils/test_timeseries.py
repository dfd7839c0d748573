"""Windows of a series: which steps they take, what belongs to them, and in which order they come."""

import numpy as np
import pytest

import linnet
from linnet import layers
from linnet.utils import timeseries_dataset_from_array

SERIES = np.arange(20)


def gathered(dataset):
    return np.concatenate(list(dataset))


def test_windows() -> None:
    found = gathered(timeseries_dataset_from_array(SERIES, None, sequence_length=4, batch_size=3))
    np.testing.assert_array_equal(found, np.lib.stride_tricks.sliding_window_view(SERIES, 4))
    found = gathered(timeseries_dataset_from_array(SERIES, None, 3, sequence_stride=5, sampling_rate=2))
    np.testing.assert_array_equal(found, [[0, 2, 4], [5, 7, 9], [10, 12, 14], [15, 17, 19]])
    found = gathered(timeseries_dataset_from_array(SERIES, None, 3, start_index=4, end_index=8))
    np.testing.assert_array_equal(found, [[4, 5, 6], [5, 6, 7]])


def test_targets_belong_to_where_a_window_begins() -> None:
    dataset = timeseries_dataset_from_array(SERIES[:-4], SERIES[4:], 4, batch_size=5)
    assert len(dataset) == 3
    for windows, targets in dataset:
        np.testing.assert_array_equal(windows[:, -1] + 1, targets)
    (windows, targets) = timeseries_dataset_from_array(SERIES, SERIES * 10, 2, start_index=6, end_index=9)[0]
    np.testing.assert_array_equal(windows, [[6, 7], [7, 8]])
    np.testing.assert_array_equal(targets, [60, 70])


def test_features_and_single_windows() -> None:
    series = np.arange(24.0, dtype=np.float32).reshape(12, 2)
    dataset = timeseries_dataset_from_array(series, None, 5, batch_size=None)
    assert len(dataset) == 8
    np.testing.assert_array_equal(dataset[3], series[3:8])


def test_shuffled_anew_for_each_epoch() -> None:
    dataset = timeseries_dataset_from_array(SERIES, SERIES, 3, batch_size=4, shuffle=True, seed=1)
    again = timeseries_dataset_from_array(SERIES, SERIES, 3, batch_size=4, shuffle=True, seed=1)
    first = np.concatenate([targets for _, targets in dataset])
    np.testing.assert_array_equal(first, np.concatenate([targets for _, targets in again]))
    for windows, targets in dataset:
        np.testing.assert_array_equal(windows[:, 0], targets)
    dataset.on_epoch_end()
    second = np.concatenate([targets for _, targets in dataset])
    assert sorted(first) == sorted(second) == list(range(18))
    assert list(first) != list(second)


def test_fit_takes_it() -> None:
    series = np.sin(np.arange(200) / 5).astype(np.float32)[:, None]
    dataset = timeseries_dataset_from_array(series[:-8], series[8:], 8, batch_size=16)
    model = linnet.Sequential([linnet.Input((8, 1)), layers.GRU(8), layers.Dense(1)])
    model.compile(linnet.optimizers.Adam(0.02), "mse")
    losses = model.fit(dataset, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2


def test_errors() -> None:
    with pytest.raises(ValueError, match="sequence_length"):
        timeseries_dataset_from_array(SERIES, None, 0)
    with pytest.raises(ValueError, match="expected 0 <= start_index < end_index <= 20, got 3 and 21"):
        timeseries_dataset_from_array(SERIES, None, 3, start_index=3, end_index=21)
    with pytest.raises(ValueError, match="a window of 11 values reaches over 21 steps, but there are only 20"):
        timeseries_dataset_from_array(SERIES, None, 11, sampling_rate=2)
    with pytest.raises(IndexError, match="batch 5"):
        timeseries_dataset_from_array(SERIES, None, 3)[5]
