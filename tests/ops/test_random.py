"""Random numbers inside a model: distributions, independence of threads and batch, streams, steps."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet import ops
from linnet.backend.trace import Trace


def draw(function, n=50, seed=1, step=0, capacity=None):
    trace = Trace(training=True)
    with trace:
        x = trace.input("x", (-1, 40))
        program = trace.compile([trace.tensor(function(x))], capacity or n)
    return program.run(n, [np.ones((n, 40), np.float32)], seed, step)[0]


def shape(x):
    return ops.shape(x)


DRAWS = {
    "uniform": lambda x: linnet.random.uniform(shape(x)),
    "normal": lambda x: linnet.random.normal(shape(x)),
    "dropout": lambda x: linnet.random.dropout(x, 0.25),
}


def test_distributions():
    u = draw(DRAWS["uniform"], 500)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.01
    assert abs(u.var() - 1 / 12) < 0.003
    z = draw(DRAWS["normal"], 500)
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.03
    assert abs((np.abs(z) < 1).mean() - 0.6827) < 0.01
    d = draw(DRAWS["dropout"], 500)
    assert set(np.unique(d)) == {0.0, np.float32(1 / 0.75)}
    assert abs((d == 0).mean() - 0.25) < 0.01


def test_ranges():
    u = draw(lambda x: linnet.random.uniform(shape(x), -2.0, 3.0), 200)
    assert -2 <= u.min() < -1.9
    assert 2.9 < u.max() <= 3
    k = draw(lambda x: linnet.random.randint(shape(x), 2, 5), 200)
    assert set(np.unique(k)) == {2, 3, 4}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_numbers_for_any_threads_and_capacity(name):
    before = linnet.num_threads()
    found = []
    for threads in (1, 2, 3):
        linnet.set_num_threads(threads)
        found.append(draw(DRAWS[name], 300, capacity=300 + 7 * threads))
    linnet.set_num_threads(before)
    assert all(np.array_equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize("name", DRAWS)
def test_other_numbers_for_another_seed_step_and_stream(name):
    first = draw(DRAWS[name])
    assert np.array_equal(first, draw(DRAWS[name]))
    assert not np.array_equal(first, draw(DRAWS[name], seed=2))
    assert not np.array_equal(first, draw(DRAWS[name], step=1))
    both = draw(lambda x: ops.concatenate([DRAWS[name](x), DRAWS[name](x)], -1))
    assert not np.array_equal(both[:, :40], both[:, 40:])


def test_shared_noise():
    d = draw(lambda x: linnet.random.dropout(ops.reshape(x, (None, 20, 2)), 0.5, noise_shape=(None, 1, 2)))
    assert np.all(d == d[:, :1])


def test_gradient_of_dropout_is_its_mask():
    trace = Trace(training=True)
    with trace:
        x = trace.input("x", (6, 5))
        y = linnet.random.dropout(x, 0.5)
        (gradient,) = trace.gradients(ops.sum(y * y), [x])
        program = trace.compile([y, gradient], 1)
    given = samples((6, 5))
    value, slope = program.run(1, [given], 3, 4)
    mask = value != 0
    np.testing.assert_allclose(slope, np.where(mask, 2 * value * 2, 0), rtol=1e-5)


def test_outside_a_model():
    assert np.array_equal(linnet.random.normal((3,), seed=5), linnet.random.normal((3,), seed=5))
    linnet.utils.set_random_seed(7)
    first = linnet.random.uniform((4,))
    second = linnet.random.uniform((4,))
    linnet.utils.set_random_seed(7)
    assert np.array_equal(first, linnet.random.uniform((4,)))
    assert not np.array_equal(first, second)
    assert np.abs(linnet.random.truncated_normal((1000,), stddev=2.0)).max() <= 4
    assert sorted(linnet.random.shuffle(np.arange(10))) == list(range(10))
    assert np.isin(linnet.random.dropout(np.ones(100), 0.5), [0, 2]).all()
    generator = linnet.random.SeedGenerator(3)
    assert generator.next() != generator.next()
    with pytest.raises(ValueError, match="rate must lie"):
        linnet.random.dropout(np.ones(3), 1.0)


def test_categorical_draws_by_the_softmax_of_the_logits():
    logits = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-9]], np.float32))
    for found in (
        linnet.random.categorical(logits, 4000, seed=3),
        draw(lambda x: linnet.random.categorical(ops.matmul(x[:, :2], np.zeros((2, 3))) + logits[:1], 100), 40),
    ):
        assert found.dtype == np.int32
        shares = np.bincount(found[0] if len(found) == 2 else found.ravel(), minlength=3) / found[0].size
        shares = shares / shares.sum()
        np.testing.assert_allclose(shares, [0.1, 0.2, 0.7], atol=0.03)
    assert (linnet.random.categorical(logits, 500, seed=1)[1] < 2).all()
    with pytest.raises(ValueError, match=r"expected logits of shape \(n, classes\)"):
        linnet.random.categorical(logits[0], 3)


def test_distributions_of_arrays():
    random = linnet.random
    for found, mean, deviation in (
        (random.gamma((20_000,), 2.0, seed=1), 2, 2**0.5),
        (random.beta((20_000,), 2.0, 3.0, seed=1), 0.4, 0.2),
        (random.binomial((20_000,), 10, 0.3, seed=1), 3, 2.1**0.5),
    ):
        assert found.dtype == np.float32
        assert abs(found.mean() - mean) < 0.05
        assert abs(found.std() - deviation) < 0.05
    assert random.gamma((5, 2), np.array([1.0, 100.0]), seed=2)[:, 1].min() > 50
    np.testing.assert_array_equal(random.beta((3,), 1, 2, seed=4), random.beta((3,), 1, 2, seed=4))
    with pytest.raises(ValueError, match=r"random.gamma: not available inside a model"):
        draw(lambda x: random.gamma((3,), 1.0))
