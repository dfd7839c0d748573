"""BackupAndRestore: a training that is killed at any moment and begun again ends with the same bits as one that was
not. The worst case, kill -9 in another process, and every callback that remembers something."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import linnet
from linnet import layers
from linnet.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping, LambdaCallback, ReduceLROnPlateau

X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
Y = (X.sum(1) > 0).astype(np.int32)


class Killed(BaseException):
    """Stops fit as a signal would: no callback is told."""


class KillAt(Callback):
    def __init__(self, step):
        self.left = step

    def on_train_batch_begin(self, batch, logs=None):
        self.left -= 1
        if self.left < 0:
            raise Killed


def network():
    linnet.utils.set_random_seed(3)
    model = linnet.Sequential(
        [
            linnet.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2, activation="softmax"),
        ]
    )
    rate = linnet.optimizers.Adam(0.05, use_ema=True, gradient_accumulation_steps=2)
    model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    return model


def run(folder=None, kill=None, save_freq="epoch", data=None, **options):
    """(weights, history) of a training; with `kill`, of one that is killed after so many steps and begun again."""
    for limit in [None] if kill is None else [kill, None]:
        model = network()
        callbacks = [
            EarlyStopping("loss", patience=50, restore_best_weights=True),
            ReduceLROnPlateau("loss", patience=1, factor=0.7),
        ]
        if folder is not None:
            callbacks.insert(0, BackupAndRestore(folder, save_freq))
        if limit is not None:
            callbacks.append(KillAt(limit))
        given = (X, Y) if data is None else (data(),)
        options = {"epochs": 5, "batch_size": 16, "verbose": 0, "validation_data": (X, Y), **options}
        try:
            history = model.fit(*given, callbacks=callbacks, **options)
        except Killed:
            continue
        return [w.tobytes() for w in model.get_weights()], history.history, history.epoch
    raise AssertionError("killed twice")


@pytest.mark.parametrize(
    ("save_freq", "kill"), [("epoch", 0), ("epoch", 4), ("epoch", 9), (1, 3), (1, 7), (1, 8), (3, 10), (3, 2)]
)
def test_the_same_bits_as_if_never_stopped(tmp_path, save_freq, kill):
    assert run(tmp_path / "backup", kill, save_freq) == run()
    assert not (tmp_path / "backup").exists()


@pytest.mark.filterwarnings("ignore:the data ended")
@pytest.mark.parametrize("kill", [5, 6, 7])
def test_steps_per_epoch_that_do_not_divide_the_data(tmp_path, kill):
    options = {"steps_per_epoch": 3, "batch_size": 8, "epochs": 4}
    assert run(tmp_path, kill, 1, **options) == run(**options)


class Batches(linnet.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[13 * i : 13 * i + 13], Y[13 * i : 13 * i + 13]


def endless():
    yield from itertools.cycle([Batches()[i] for i in range(4)])


@pytest.mark.parametrize(
    ("data", "options"), [(Batches, {}), (endless, {"steps_per_epoch": 3}), (lambda: list_of(), {})]
)
@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_streams(tmp_path, data, options, save_freq):
    assert run(tmp_path, 6, save_freq, data, **options) == run(data=data, **options)


def list_of():
    class Again:
        def __iter__(self):
            return iter([Batches()[i] for i in range(4)])

    return Again()


def test_a_finished_training_is_not_begun_again_and_its_best_weights_come_back(tmp_path):
    def trained(*callbacks):
        model = network()
        stop = EarlyStopping("loss", patience=50, restore_best_weights=True)
        history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[*callbacks, stop])
        return [w.tobytes() for w in model.get_weights()], history.history

    def kill(logs):
        raise Killed

    with pytest.raises(Killed):  # after the last epoch's backup, before the end
        trained(LambdaCallback(on_train_end=kill), BackupAndRestore(tmp_path))
    begun = []
    look = LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    assert trained(BackupAndRestore(tmp_path), look) == trained()
    assert begun == []


def test_a_training_that_was_stopped_stays_stopped(tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    def kill(logs):
        raise Killed

    end = LambdaCallback(on_train_end=kill)
    with pytest.raises(Killed):
        network().fit(X, Y, epochs=5, verbose=0, callbacks=[end, BackupAndRestore(tmp_path), Stop()])
    assert network().fit(X, Y, epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path), Stop()]).epoch == [0, 1]


SCRIPT = """
    import os, signal, sys
    import numpy as np
    import linnet
    from linnet import layers

    linnet.utils.set_random_seed(5)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 8)).astype("float32")
    y = (x.sum(1) > 0).astype("int32")
    model = linnet.Sequential([linnet.Input((8,)), layers.Dense(16, "relu"), layers.Dropout(0.2), layers.Dense(2)])
    model.compile("adam", linnet.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    kill = int(sys.argv[2])

    def die(batch, logs):
        if int(model.optimizer.iterations) == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    history = model.fit(x, y, epochs=6, verbose=0, callbacks=[
        linnet.callbacks.BackupAndRestore(sys.argv[1], save_freq=2),
        linnet.callbacks.LambdaCallback(on_train_batch_end=die),
    ])
    print(history.history["loss"], [hash(w.tobytes()) for w in model.get_weights()])
"""


def test_kill_9(tmp_path):
    def start(folder, kill):
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / folder), str(kill)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
        )

    whole = start("whole", -1)
    assert whole.returncode == 0, whole.stderr
    for kill in (5, 18, 33):  # the same folder: killed three times
        assert start("killed", kill).returncode == -signal.SIGKILL
    end = start("killed", -1)
    assert end.returncode == 0, end.stderr
    assert end.stdout == whole.stdout


def test_ctrl_c_keeps_the_file(tmp_path):
    def interrupt(batch, logs):
        raise KeyboardInterrupt

    model = network()
    stop = LambdaCallback(on_epoch_begin=lambda epoch, logs: interrupt(0, logs) if epoch == 2 else None)
    model.fit(X, Y, epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path), stop])
    again = network()
    goes_on = LambdaCallback()
    history = again.fit(X, Y, epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path), goes_on])
    assert history.epoch == [0, 1, 2, 3, 4]
    expected = network()
    expected.fit(X, Y, epochs=5, verbose=0)
    np.testing.assert_array_equal(again.get_weights()[0], expected.get_weights()[0])


def test_a_table_has_every_epoch_once(tmp_path):
    for limit in (7, None):
        model = network()
        table = CSVLogger(tmp_path / "table.csv", append=True)
        callbacks = [table, BackupAndRestore(tmp_path / "backup"), KillAt(limit if limit is not None else 1000)]
        try:
            model.fit(X, Y, epochs=4, batch_size=16, verbose=0, callbacks=callbacks)
        except Killed:
            table._file.write("9,9,9\n")  # an epoch that was logged, but not backed up
            table._file.close()
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1", "2", "3"]


def test_a_damaged_file_and_the_one_before(tmp_path):
    def trained(epochs, **options):
        model = network()
        backup = BackupAndRestore(tmp_path, delete_checkpoint=False, **options)
        return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[backup]).epoch

    trained(2, double_checkpoint=True)
    path = tmp_path / "training.backup"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="belongs to a fit with the callbacks History, this one has EarlyStopping"):
        network().fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path), EarlyStopping("loss")])
    assert trained(3, double_checkpoint=True) == [0, 1, 2]
    path.write_bytes(b"nothing")
    (tmp_path / "training.backup.previous").unlink()
    with pytest.raises(ValueError, match=r"training\.backup"):
        trained(4)


@pytest.mark.parametrize(
    ("arguments", "message"), [(("",), "must name a folder"), (("x", 0), "save_freq"), (("x", "batch"), "save_freq")]
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BackupAndRestore(*arguments)


def test_state_that_cannot_be_written(tmp_path):
    class Odd(Callback):
        def get_state(self):
            return {"thing": object()}

    with pytest.raises(TypeError, match="neither JSON nor an array"):
        network().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path), Odd()])
