"""What fit, evaluate and predict take: streams of batches give the same bits as the arrays they were cut from."""

import numpy as np
import pytest

import linnet
from linnet import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 5)).astype(np.float32)
Y = (X @ RNG.normal(size=(5, 3))).argmax(1)
W = np.linspace(0.5, 1.5, 70).astype(np.float32)


def compiled(**kwargs):
    linnet.utils.set_random_seed(1)
    model = linnet.Sequential([linnet.Input((5,)), layers.Dense(8), layers.Dense(3, activation="softmax")])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **kwargs})
    return model


def batches(size=16, weighted=False):
    parts = (X, Y, W) if weighted else (X, Y)
    return [tuple(part[i : i + size] for part in parts) for i in range(0, 70, size)]


def endless(weighted=False):
    while True:
        yield from batches(weighted=weighted)


class Loader:
    """As a torch DataLoader or a tf.data Dataset: iterable again and again, with batches as lists."""

    def __init__(self, sized=True):
        if sized:
            self.__class__ = type("SizedLoader", (Loader,), {"__len__": lambda self: 5})

    def __iter__(self):
        return iter([list(batch) for batch in batches()])


class Files(linnet.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.epochs = []

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return batches()[i]

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


class Plain:
    """Only __len__ and __getitem__."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return batches()[i]


class Unsized:
    """A tf.data Dataset of unknown cardinality: len() raises TypeError."""

    def __len__(self):
        raise TypeError("unknown length")

    def __iter__(self):
        return iter(batches())


def result(x, *args, weighted=False, **kwargs):
    model = compiled()
    history = model.fit(x, *args, **{"epochs": 3, "shuffle": False, "verbose": 0, **kwargs}).history
    return history, [weight.tobytes() for weight in model.get_weights()]


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (endless, {"steps_per_epoch": 5}),
        (Loader, {}),
        (lambda: Loader(sized=False), {}),
        (Unsized, {}),
        (Unsized, {"steps_per_epoch": 5}),
        (Files, {}),
        (lambda: Files(workers=3, max_queue_size=2), {}),
        (lambda: Files(workers=2, use_multiprocessing=True), {}),
        (Plain, {}),
        (lambda: iter(batches() * 3), {"steps_per_epoch": 5}),
    ],
)
def test_streams_train_like_arrays(make, options):
    assert result(make(), **options) == result(X, Y, batch_size=16)


def test_sample_weights_in_the_batches():
    expected = result(X, Y, batch_size=16, sample_weight=W)
    assert result(endless(weighted=True), steps_per_epoch=5) == expected


def test_class_weights_of_batches():
    expected = result(X, Y, batch_size=16, class_weight={0: 2.0, 1: 0.5})
    assert result(Loader(), class_weight={0: 2.0, 1: 0.5}) == expected


def test_validation_evaluation_and_prediction_of_streams():
    model = compiled()
    history = model.fit(X, Y, epochs=2, batch_size=16, validation_data=(X, Y), validation_batch_size=16, verbose=0)
    for stream, steps in ((Loader(), None), (Files(), None), (endless(), 5)):
        other = compiled()
        found = other.fit(X, Y, epochs=2, batch_size=16, validation_data=stream, validation_steps=steps, verbose=0)
        assert found.history == history.history
    expected = model.evaluate(X, Y, batch_size=16, verbose=0)
    assert model.evaluate(Loader(), verbose=0) == expected
    assert model.evaluate(endless(), steps=5, verbose=0) == expected
    p = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(Loader(), verbose=0), p)
    np.testing.assert_array_equal(model.predict((x for x, _ in batches()), verbose=0), p)
    np.testing.assert_array_equal(model.predict(endless(), steps=2, verbose=0), p[:32])


def test_smaller_last_batches_compile_nothing():
    model = compiled()
    model.fit(Loader(), epochs=2, validation_data=Loader(), verbose=0)
    assert len(model._steps) == 2


def test_steps_per_epoch_goes_on_where_the_epoch_ended():
    one, other = compiled(), compiled()
    one.fit(X, Y, epochs=2, batch_size=16, steps_per_epoch=2, shuffle=False, verbose=0)
    other.fit(X[:64], Y[:64], epochs=1, batch_size=16, shuffle=False, verbose=0)
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])
    with pytest.warns(UserWarning, match="ended after 1 batches of 2"):
        assert len(one.fit(X, Y, epochs=3, batch_size=16, steps_per_epoch=2, verbose=0).epoch) == 3


def test_a_generator_that_ends():
    model = compiled()
    with pytest.warns(UserWarning, match="ended in epoch 1 of 4"):
        history = model.fit(iter(batches()), epochs=4, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ended") as seen:
        history = model.fit(iter(batches()), epochs=4, steps_per_epoch=3, verbose=0)
    assert history.epoch == [0, 1]
    assert "after 2 batches of 3" in str(seen[0].message)
    used = iter(batches())
    model.fit(used, verbose=0)
    with pytest.raises(ValueError, match="list_iterator given as data has no batches: it may have been used before"):
        model.fit(used, verbose=0)
    with pytest.raises(ValueError, match="has no batches"):
        model.evaluate(used, verbose=0)


def notes(error):
    return " ".join(error.value.__notes__)


def test_a_generator_that_raises():
    def broken():
        yield batches()[0]
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone") as error:
        compiled().fit(broken(), verbose=0)
    assert "generator given as data, asked for batch 2 of train" in notes(error)


@pytest.mark.parametrize(
    ("second", "kind", "message"),
    [
        ((X[:8, :4], Y[:8]), linnet.ShapeError, r"must have shape \(n, 5\), got \(n, 4\)"),
        ((X[:8], Y[:7]), ValueError, "x has 8, y has 7"),
        (("a", Y[:7]), TypeError, "x: expected a NumPy array"),
        ((X[:8],), ValueError, "no target"),
        ((X[:8], Y[:8] + 3), ValueError, "label"),
    ],
)
def test_a_wrong_batch_says_which_one_and_how_the_first_was(second, kind, message):
    with pytest.raises(kind, match=message) as error:
        compiled().fit(iter([batches()[0], second]), verbose=0)
    if message != "label":
        assert "in batch 2" in notes(error)
        assert "the first one was x (16, 5) float32, y (16,) int64" in notes(error)


def test_dictionaries_and_lists_of_inputs_and_outputs():
    a, b = linnet.Input((5,), name="a"), linnet.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    outputs = {"kind": layers.Dense(3)(joined), "size": layers.Dense(1)(joined)}
    model = linnet.Model({"a": a, "b": b}, outputs)
    model.compile("sgd", {"kind": linnet.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"})
    x = {"b": X[:, :2], "a": X}
    y = {"size": X[:, :1], "kind": Y}
    weights = {"kind": W}
    history = model.fit(x, y, sample_weight=weights, validation_data=(x, y, weights), verbose=0)
    assert {"loss", "kind_loss", "size_loss", "val_kind_loss"} <= set(history.history)

    def stream():
        for i in range(0, 70, 10):
            yield tuple({key: part[i : i + 10] for key, part in one.items()} for one in (x, y, weights))

    assert model.evaluate(stream(), verbose=0) == model.evaluate(x, y, batch_size=10, sample_weight=weights, verbose=0)
    assert set(model.predict(stream(), verbose=0)) == {"kind", "size"}


def test_shuffled_data_sets_are_drawn_by_the_seed_and_hear_of_epochs():
    class Numbered(Files):
        asked = ()

        def __getitem__(self, i):
            self.asked = (*self.asked, i)
            return super().__getitem__(i)

    orders = []
    for _ in range(2):
        data = Numbered()
        compiled().fit(data, epochs=2, verbose=0)
        assert data.epochs == ["begin", "end"] * 2
        orders.append(data.asked)
    assert orders[0] == orders[1]
    assert sorted(orders[0][:5]) == list(range(5)) != list(orders[0][:5])
    assert orders[0][:5] != orders[0][5:]


def test_an_endless_data_set_needs_steps():
    class Endless(linnet.utils.PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return batches()[i % 5]

    assert result(Endless(), steps_per_epoch=5) == result(X, Y, batch_size=16)


def test_base_class_asks_for_its_methods():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        linnet.utils.PyDataset()[0]
    with pytest.raises(NotImplementedError, match="__len__"):
        _ = linnet.utils.PyDataset().num_batches
    assert linnet.utils.Sequence is linnet.utils.PyDataset
    assert [len(x) for x, _ in Files()] == [16, 16, 16, 16, 6]


class Frame:
    """What a pandas DataFrame looks like from outside."""

    def __init__(self, columns):
        self.columns = list(columns)
        self._columns = columns
        self.dtypes = {name: column.dtype for name, column in columns.items()}

    def __getitem__(self, name):
        return Column(self._columns[name])

    def to_numpy(self):
        return np.stack([column.astype(object) for column in self._columns.values()], 1)


class Column:
    def __init__(self, values):
        self._values = values

    def to_numpy(self):
        return self._values


class Foreign:
    """An array of another library, known by the DLPack protocol alone."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **kwargs):
        return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def test_frames_and_foreign_arrays():
    frame = Frame({f"c{i}": X[:, i] for i in range(5)})
    expected = result(X, Y, batch_size=16)
    assert result(frame, Column(Y), batch_size=16) == expected
    assert result(Foreign(X), Foreign(Y), batch_size=16) == expected
    with pytest.raises(TypeError, match="the columns town are not numbers: encode or drop"):
        compiled().predict(Frame({"age": X[:, 0], "town": np.array(["Ulm"] * 70, object)}))


def test_a_real_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    assert result(frame, pandas.Series(Y), batch_size=16) == result(X, Y, batch_size=16)
    frame["c"] = frame["c"] > 0
    mixed = X.copy()
    mixed[:, 2] = mixed[:, 2] > 0
    np.testing.assert_array_equal(compiled().predict(frame, verbose=0), compiled().predict(mixed, verbose=0))
    frame["d"] = pandas.array([1] * 69 + [None], dtype="Int64")
    with pytest.raises(TypeError, match=r"values are missing|the columns d are not numbers"):
        compiled().predict(frame)


def test_a_torch_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    assert result(torch.utils.data.DataLoader(data, batch_size=16)) == result(X, Y, batch_size=16)
    assert result(torch.from_numpy(X), torch.from_numpy(Y), batch_size=16) == result(X, Y, batch_size=16)


def test_a_callback_may_evaluate_and_predict_on_other_data():
    class Look(linnet.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(X[:8], Y[:8], verbose=0)
            self.model.predict(X[:8], verbose=0)

    options = {"batch_size": 16, "validation_data": (X, Y)}
    assert result(X, Y, callbacks=[Look()], **options) == result(X, Y, **options)
