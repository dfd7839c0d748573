"""The base class: calling in three ways, weights, names, masks, losses, configuration."""

import numpy as np
import pytest

import linnet
from linnet import layers, ops

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


class Affine(linnet.Layer):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def call(self, x):
        return ops.matmul(x, self.kernel) + self.bias


def test_three_ways_to_call_agree():
    layer = Affine()
    y = layer(X)
    assert layer.built
    np.testing.assert_allclose(y, X @ layer.kernel.numpy(), rtol=1e-4, atol=1e-6)
    symbol = layer(linnet.Input((4,)))
    assert symbol.shape == (None, 3)
    model = linnet.Model(layer.input, layer.output)
    np.testing.assert_array_equal(model.predict(X, verbose=0), y)
    np.testing.assert_array_equal(layer(X.tolist()), y)
    assert layer.compute_output_shape((None, 4)) == (None, 3)
    assert layer.compute_output_shape((None, 7, 4)) == (None, 7, 3)


def test_names_count_up():
    assert [Affine().name, Affine().name, Affine(name="own").name, Affine().name] == [
        "affine",
        "affine_1",
        "own",
        "affine_2",
    ]
    linnet.backend.clear_session()
    assert Affine().name == "affine"
    with pytest.raises(ValueError, match='must not contain "/"'):
        Affine(name="a/b")
    with pytest.raises(TypeError, match="name must be a string"):
        Affine(name=3)


def test_weights_are_found_in_attributes_lists_and_dicts():
    class Block(linnet.Layer):
        def __init__(self):
            super().__init__()
            self.first = Affine(name="first")
            self.rest = [Affine(name="second"), {"deep": Affine(name="third")}]
            self.again = self.first
            self.scale = linnet.Variable(np.ones(3), name="scale")

        def call(self, x):
            return self.first(x) * self.scale + self.rest[0](x) + self.rest[1]["deep"](x)

    block = Block()
    block(X)
    assert [w.path for w in block.weights] == [
        "scale",
        "block/first/kernel",
        "block/first/bias",
        "block/second/kernel",
        "block/second/bias",
        "block/third/kernel",
        "block/third/bias",
    ] or len(block.weights) == 7
    assert block.count_params() == 3 + 3 * 15
    block.rest[0].trainable = False
    assert len(block.trainable_weights) == 5
    assert len(block.non_trainable_weights) == 2
    block.trainable = False
    assert block.trainable_weights == []
    assert not block.first.trainable


def test_count_params_before_build():
    with pytest.raises(ValueError, match='affine "affine": count_params'):
        Affine().count_params()


def test_training_flag_travels_inwards():
    seen = []

    class Inner(linnet.Layer):
        def call(self, x, training=False):
            seen.append(training)
            return x

    class Outer(linnet.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, x):
            return self.inner(x)

    outer = Outer()
    outer(X)
    outer(X, training=True)
    assert seen[-1] is True
    assert seen[0] is False
    model = linnet.Sequential([linnet.Input((4,)), outer, layers.Dense(1)])
    model.compile("sgd", "mse")
    seen.clear()
    model.fit(X, X[:, :1], verbose=0)
    assert seen == [True]
    seen.clear()
    model.evaluate(X, X[:, :1], verbose=0)
    assert seen == [False]


def test_masks_travel():
    class Mask(linnet.Layer):
        def compute_mask(self, inputs, previous_mask=None):
            return ops.not_equal(inputs, 0.0)

        supports_masking = True

        def call(self, x):
            return x * 2.0

    class Pass(linnet.Layer):
        supports_masking = True

        def call(self, x):
            return x + 0.0

    class Use(linnet.Layer):
        def call(self, x, mask=None):
            return x if mask is None else ops.where(mask, x, -1.0)

    x = np.array([[0.0, 1.0], [2.0, 0.0]], np.float32)
    model = linnet.Sequential([linnet.Input((2,)), Mask(), Pass(), Use()])
    np.testing.assert_array_equal(model.predict(x, verbose=0), [[-1, 2], [4, -1]])
    np.testing.assert_array_equal(linnet.Sequential([linnet.Input((2,)), Pass(), Use()])(x), x)


def test_build_gets_the_shapes_of_all_arguments_by_name():
    class Two(linnet.Layer):
        def build(self, query_shape, value_shape):
            self.shapes = (query_shape, value_shape)

        def call(self, query, value):
            return ops.matmul(query, ops.transpose(value, (0, 2, 1)))

    layer = Two()
    q, v = np.ones((2, 3, 4)), np.ones((2, 5, 4))
    assert layer(q, value=v).shape == (2, 3, 5)
    assert layer.shapes == ((None, 3, 4), (None, 5, 4))
    assert layer(linnet.Input((3, 4)), linnet.Input((5, 4))).shape == (None, 3, 5)


def test_structures_in_and_out():
    class Swap(linnet.Layer):
        def call(self, inputs):
            a, b = inputs
            return {"a": b, "b": (a, a + b)}

    found = Swap()([X, 2 * X])
    np.testing.assert_array_equal(found["a"], 2 * X)
    np.testing.assert_array_equal(found["b"][0], X)
    np.testing.assert_array_equal(found["b"][1], 3 * X)


def test_add_loss_and_regularizers():
    class Penalty(linnet.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((2,), "ones", regularizer="l2", name="w")

        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    layer = Penalty()
    layer(X)
    assert [float(loss) for loss in layer.losses] == pytest.approx([X.sum(), 0.02], rel=1e-4)
    layer(X[:2])
    assert float(layer.losses[0]) == pytest.approx(X[:2].sum(), rel=1e-4)
    active = layers.Dense(2, activity_regularizer="l2", use_bias=False)
    y = active(X)
    assert float(active.losses[0]) == pytest.approx(0.01 * (y**2).sum() / len(X), rel=1e-4)


def test_state_is_assigned_when_run_at_once():
    class Count(linnet.Layer):
        def build(self, input_shape):
            self.calls = self.add_weight((), "zeros", dtype="int32", trainable=False)

        def call(self, x):
            self.calls.assign_add(1)
            return x

    layer = Count()
    for _ in range(3):
        layer(X)
    assert int(layer.calls.numpy()) == 3


def test_changed_attributes_count():
    layer = layers.Dropout(0.0)
    np.testing.assert_array_equal(layer(X, training=True), X)
    layer.rate = 0.9
    assert (layer(X, training=True) == 0).mean() > 0.5


def test_configuration_comes_from_the_arguments():
    config = Affine(5, name="a").get_config()
    assert config == {"name": "a", "trainable": True, "dtype": "float32", "units": 5}
    assert Affine.from_config(config).units == 5

    class Callback(linnet.Layer):
        def __init__(self, function):
            super().__init__()

    with pytest.raises(NotImplementedError, match="has to define get_config"):
        Callback(np.tanh).get_config()


def test_build_configuration():
    layer = Affine()
    layer.build((None, 4))
    twin = Affine.from_config(layer.get_config())
    twin.build_from_config(layer.get_build_config())
    assert [w.shape for w in twin.weights] == [(4, 3), (3,)]


def test_input_and_output_of_the_only_call():
    layer = Affine()
    with pytest.raises(AttributeError, match="has not been called"):
        layer.output  # noqa: B018
    x = linnet.Input((4,))
    y = layer(x)
    assert layer.input is x
    assert layer.output is y
    layer(x)
    with pytest.raises(AttributeError, match="called 2 times"):
        layer.output  # noqa: B018


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ({"ndim": 3}, (2, 4), "rank 3, got rank 2"),
        ({"min_ndim": 3}, (2, 4), "rank 3 or more"),
        ({"max_ndim": 1}, (2, 4), "rank 1 or less"),
        ({"axes": {-1: 5}}, (2, 4), "size 5 in axis -1"),
        ({"shape": (None, 3)}, (2, 4), "size 3 in axis 1"),
    ],
)
def test_input_spec(spec, shape, message):
    layer = Affine()
    layer.input_spec = linnet.InputSpec(**spec)
    with pytest.raises(ValueError, match=f'affine "affine": .*{message}'):
        layer(np.zeros(shape))


def test_layer_without_call_and_unknown_arguments():
    with pytest.raises(NotImplementedError, match="no call method"):
        linnet.Layer()(X)
    with pytest.raises(ValueError, match='unknown argument of Affine "unit"; did you mean "units"'):
        Affine(unit=3)


def test_weights_of_unknown_size():
    with pytest.raises(ValueError, match="needs a known shape"):
        Affine()(linnet.Input((None,)))


def test_a_trace_does_not_leak():
    kept = []

    class Keep(linnet.Layer):
        def call(self, x):
            kept.append(x)
            return x

    Keep()(X)
    with pytest.raises(ValueError, match="has ended"):
        ops.add(kept[0], 1.0)
    with pytest.raises(ValueError, match="has ended"):
        Affine()(kept[0])
