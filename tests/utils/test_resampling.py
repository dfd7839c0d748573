"""OverSampled, UnderSampled and SMOTE: what an epoch consists of, the seed, and training that goes on after a stop."""

import numpy as np
import pytest

import linnet
from linnet import layers
from linnet.utils import SMOTE, OverSampled, UnderSampled

RNG = np.random.default_rng(0)
Y = np.repeat([7, 3, 5], [60, 17, 4])
X = (RNG.normal(size=(81, 3)) + Y[:, None]).astype(np.float32)


def epoch(data):
    parts = [data[i] for i in range(len(data))]
    assert all(len(x) == len(y) <= data.batch_size for x, y in parts)
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


@pytest.mark.parametrize("labels", [Y, Y[:, None], np.eye(8)[Y]])
@pytest.mark.parametrize(("cls", "count"), [(OverSampled, 60), (UnderSampled, 4), (SMOTE, 60)])
def test_every_class_is_equally_frequent(cls, count, labels):
    data = cls(X, labels, batch_size=16)
    x, y = epoch(data)
    assert len(x) == 3 * count
    assert y.shape[1:] == labels.shape[1:]
    found = y.argmax(1) if labels.shape[-1] == 8 else y.reshape(-1)
    assert np.unique(found, return_counts=True)[1].tolist() == [count] * 3


def test_over_sampling_has_every_sample():
    x, _ = epoch(OverSampled(X, Y))
    rows, counts = np.unique(x, axis=0, return_counts=True)
    assert len(rows) == 81
    assert sorted(set(counts.tolist())) == [1, 3, 4, 15]


def test_under_sampling_draws_others_in_every_epoch():
    data = UnderSampled(X, Y)
    seen = [epoch(data)[0]]
    for _ in range(80):
        data.on_epoch_end()
        seen.append(epoch(data)[0])
    assert all(len(np.unique(x, axis=0)) == 12 for x in seen)
    assert len(np.unique(np.concatenate(seen), axis=0)) > 75


@pytest.mark.parametrize("neighbors", [1, 2, 50])
def test_new_samples_lie_between_neighbours(neighbors):
    x, y = epoch(SMOTE(X, Y, neighbors=neighbors))
    for label in (3, 5):
        own = X[label == Y].astype(np.float64)
        distances = np.square(own[:, None] - own[None]).sum(-1)
        np.fill_diagonal(distances, np.inf)
        near = np.argsort(distances, 1)[:, :neighbors]
        for point in x[y == label]:
            fits = False
            for i, others in enumerate(near):
                for j in others[others != i]:
                    line = own[j] - own[i]
                    t = np.dot(point - own[i], line) / np.dot(line, line)
                    fits |= -1e-6 <= t <= 1 + 1e-6 and np.allclose(own[i] + t * line, point, atol=1e-5)
            assert fits


def test_images_and_structures():
    images = RNG.random((81, 4, 4, 1)).astype(np.float32)
    assert epoch(SMOTE(images, Y))[0].shape == (180, 4, 4, 1)
    (x, y) = OverSampled({"a": X, "b": images}, Y)[0]
    assert (x["a"].shape, x["b"].shape, y.shape) == ((32, 3), (32, 4, 4, 1), (32,))


@pytest.mark.parametrize("cls", [OverSampled, UnderSampled, SMOTE])
def test_the_seed_decides(cls):
    def first(seed=None):
        linnet.utils.set_random_seed(1)
        return cls(X, Y, seed=seed)[0][0]

    np.testing.assert_array_equal(first(), first())
    np.testing.assert_array_equal(first(3), first(3))
    assert not np.array_equal(first(3), first(4))
    data = cls(X, Y, seed=3)
    data.on_epoch_end()
    assert not np.array_equal(data[0][0], first(3))


@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_training_goes_on_with_the_same_samples(tmp_path, save_freq):
    class Stop(BaseException):
        pass

    def trained(folder=None, stop=None):
        linnet.utils.set_random_seed(2)
        model = linnet.Sequential([linnet.Input((3,)), layers.Dense(8, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")

        def interrupt(batch, logs):
            if int(model.optimizer.iterations) == stop:
                raise Stop

        callbacks = [linnet.callbacks.LambdaCallback(on_train_batch_begin=interrupt)]
        if folder:
            callbacks.append(linnet.callbacks.BackupAndRestore(folder, save_freq))
        history = model.fit(SMOTE(X, Y), epochs=4, verbose=0, callbacks=callbacks)
        return history.history, model.get_weights()[0].tobytes()

    with pytest.raises(Stop):
        trained(tmp_path, 15)
    assert trained(tmp_path) == trained()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: OverSampled(X, Y[:5]), ValueError, "same number of samples"),
        (lambda: OverSampled(X[:0], Y[:0]), ValueError, "same number of samples"),
        (lambda: OverSampled(X, Y, batch_size=0), ValueError, "batch_size"),
        (lambda: OverSampled(X, np.zeros((81, 2, 2))), ValueError, "one label per sample"),
        (lambda: SMOTE([X, X], Y), TypeError, "one array"),
        (lambda: SMOTE(X, Y, neighbors=0), ValueError, "neighbors"),
        (lambda: SMOTE(X[:61], Y[:61]), ValueError, "class 3 has one sample only"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
