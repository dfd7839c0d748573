"""L-BFGS on functions whose minimum is known, and on models against Newton's method in float64."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.optimizers import LBFGS


def rosenbrock(x):
    a, b = x[:-1], x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[:-1] += 2 * (a - 1) - 400 * a * b
    gradient[1:] += 200 * b
    return float(np.sum(100 * b**2 + (a - 1) ** 2)), gradient


def test_rosenbrock():
    # SciPy's L-BFGS-B takes 96 evaluations from here to the same gradient.
    result = LBFGS(gradient_tolerance=1e-8, value_tolerance=0).minimize(rosenbrock, np.tile([-1.2, 1.0], 5))
    assert result.converged
    np.testing.assert_allclose(result.x, np.ones(10), atol=1e-8)
    assert result.evaluations <= 110
    assert len(result.values) == result.iterations + 1
    assert (np.diff(result.values) <= 0).all()


def test_a_quadratic_takes_about_as_many_iterations_as_it_has_directions():
    scales = np.array([1.0, 10.0, 100.0, 1e4])
    result = LBFGS(gradient_tolerance=1e-9).minimize(lambda x: (0.5 * float(scales @ x**2), scales * x), np.ones(4))
    np.testing.assert_allclose(result.x, np.zeros(4), atol=1e-8)
    assert result.iterations <= 35


@pytest.mark.parametrize("first", [1e-8, 1.0, 1e6])
def test_the_line_search_meets_both_conditions(first):
    """f = -x / (x^2 + 2): More and Thuente's first function, from steps that are far too short and far too long."""
    optimizer = LBFGS(c2=0.1, max_line_search=60)

    def along(step):
        value, slope = -step / (step**2 + 2), (step**2 - 2) / (step**2 + 2) ** 2
        return type(start)(step, value, slope, np.array([slope]))

    from linnet.optimizers.lbfgs import _Point

    start = _Point(0.0, 0.0, -0.5, np.array([-0.5]))
    found = optimizer._line_search(along, start, first, 0.0)
    assert found.value <= 1e-4 * found.step * -0.5
    assert abs(found.slope) <= 0.1 * 0.5


def logistic_data():
    x = samples((200, 4), 1)
    y = (x @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * samples((200,), 2) > 0.3).astype(np.float32)
    return x, y


def newton(x, y, l2):
    """The weights and bias that minimise the mean cross-entropy + l2 |weights|^2, and the minimum."""
    z, w = np.hstack([x.astype(float), np.ones((len(x), 1))]), np.zeros(5)
    penalty = np.diag([2 * l2] * 4 + [0.0])
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ w))
        hessian = z.T @ (z * (p * (1 - p))[:, None]) / len(x) + penalty
        w -= np.linalg.solve(hessian, z.T @ (p - y) / len(x) + penalty @ w)
    p = 1 / (1 + np.exp(-z @ w))
    return w, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + l2 * np.sum(w[:4] ** 2)


@pytest.mark.parametrize("batch_size", [None, 64])
def test_logistic_regression(batch_size):
    x, y = logistic_data()
    weights, value = newton(x, y, 0.01)
    regularizer = linnet.regularizers.L2(0.01)
    model = linnet.Sequential(
        [linnet.Input((4,)), linnet.layers.Dense(1, activation="sigmoid", kernel_regularizer=regularizer)]
    )
    model.compile(loss="binary_crossentropy")
    result = LBFGS().fit(model, x, y[:, None], batch_size=batch_size)
    assert result.converged
    assert result.evaluations < 40
    assert result.value == pytest.approx(value, rel=1e-6)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose([*kernel[:, 0], bias[0]], weights, rtol=2e-3, atol=2e-3)
    assert model.evaluate(x, y[:, None], verbose=0) == pytest.approx(value, rel=1e-5)


def test_a_network_with_frozen_weights_and_sample_weights():
    linnet.utils.set_random_seed(4)
    x, y = samples((60, 3), 1), np.sin(samples((60, 1), 2))
    model = linnet.Sequential(
        [linnet.Input((3,)), linnet.layers.Dense(8, activation="tanh"), linnet.layers.Dense(1), linnet.layers.Dense(1)]
    )
    model.layers[-1].trainable = False
    model.compile(loss="mse")
    frozen = [w.copy() for w in model.layers[-1].get_weights()]
    weights = np.abs(samples((60,), 3))
    first = model.evaluate(x, y, sample_weight=weights, verbose=0)
    result = LBFGS(max_iterations=30).fit(model, x, y, sample_weight=weights)
    assert result.values[0] == pytest.approx(first, rel=1e-5)
    assert result.value < 0.7 * first
    assert model.evaluate(x, y, sample_weight=weights, verbose=0) == pytest.approx(result.value, rel=1e-4)
    for got, want in zip(model.layers[-1].get_weights(), frozen, strict=True):
        np.testing.assert_array_equal(got, want)


def test_fit_after_it_goes_on_from_there():
    x, y = logistic_data()
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1)])
    model.compile("sgd", "mse")
    result = LBFGS().fit(model, x, y[:, None])
    history = model.fit(x, y[:, None], batch_size=200, epochs=1, verbose=0).history
    assert history["loss"][0] == pytest.approx(result.value, rel=1e-5)


def test_nothing_to_do_and_nothing_to_be_done():
    result = LBFGS().minimize(lambda x: (1.0, np.zeros(3)), np.ones(3))
    assert result.converged
    assert (result.iterations, result.evaluations) == (0, 1)
    assert not LBFGS(max_iterations=3).minimize(rosenbrock, np.tile([-1.2, 1.0], 5)).converged
    wrong = LBFGS().minimize(lambda x: (float(x @ x), -2 * x), np.ones(3))  # the gradient points the wrong way
    assert not wrong.converged
    assert wrong.message == "no step lowers the value any more"


def test_arguments():
    with pytest.raises(ValueError, match="0 < c1 < c2 < 1"):
        LBFGS(c1=0.9, c2=0.1)
    with pytest.raises(ValueError, match="history"):
        LBFGS(history=0)
    with pytest.raises(ValueError, match="not finite at the start"):
        LBFGS().minimize(lambda x: (np.inf, x), np.ones(2))
