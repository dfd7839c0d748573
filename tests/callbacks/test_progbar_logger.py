"""ProgbarLogger shows what fit shows by itself, once."""

import numpy as np

import linnet
from linnet import layers

X = np.zeros((20, 3), np.float32)


def test_lines_are_the_same_and_not_doubled(capsys):
    model = linnet.Sequential([linnet.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    shown = []
    for callbacks in ([], [linnet.callbacks.ProgbarLogger()]):
        model.fit(X, X[:, :1], epochs=2, verbose=2, validation_data=(X, X[:, :1]), callbacks=callbacks)
        model.evaluate(X, X[:, :1], verbose=2, callbacks=callbacks)
        model.predict(X, verbose=2, callbacks=callbacks)
        lines = capsys.readouterr().out.splitlines()
        shown.append([line.split(" - ")[0] for line in lines])
    assert shown[0] == shown[1] == ["Epoch 1/2 1/1", "Epoch 2/2 1/1", "Evaluating 1/1", "Predicting 1/1"]
    model.fit(X, X[:, :1], verbose=0, callbacks=[linnet.callbacks.ProgbarLogger()])
    assert capsys.readouterr().out == ""
