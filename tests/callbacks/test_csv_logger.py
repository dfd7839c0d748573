"""CSVLogger."""

import csv

from support import samples

import linnet
from linnet.callbacks import CSVLogger

X, Y = samples((20, 4), 1), samples((20, 1), 2)


def fit(path, epochs=2, **kwargs):
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    logger = CSVLogger(path, **{k: kwargs.pop(k) for k in ("append", "separator") if k in kwargs})
    return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[logger], **kwargs).history


def rows(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_table(tmp_path):
    path = tmp_path / "log.csv"
    history = fit(path)
    table = rows(path)
    assert table[0] == ["epoch", "loss", "mae"]
    assert [[float(cell) for cell in row] for row in table[1:]] == [
        [i, history["loss"][i], history["mae"][i]] for i in range(2)
    ]
    fit(path, epochs=1)
    assert len(rows(path)) == 2  # written anew


def test_append_keeps_the_header(tmp_path):
    path = tmp_path / "log.csv"
    fit(path)
    fit(path, append=True)
    table = rows(path)
    assert [row[0] for row in table] == ["epoch", "0", "1", "0", "1"]


def test_validation_that_begins_late(tmp_path):
    path = tmp_path / "log.csv"
    fit(path, separator=";", validation_data=(X, Y), validation_freq=2)
    table = rows(path, ";")
    assert table[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert table[1][3:] == ["NA", "NA"]
    assert float(table[2][3]) > 0
