"""What all optimizers share: clipping, weight decay, learning rates, state, unknown variables, own optimizers."""

import numpy as np
import pytest
from support_optimizers import SHAPES, WAYS, check, reference, run, start_and_gradients

from linnet import optimizers
from linnet.backend.flat import FlatParameters
from linnet.backend.trace import Trace
from linnet.backend.variable import Variable
from linnet.optimizers import SGD, Adam
from linnet.optimizers.schedules import ExponentialDecay


def clipped(g, limit):
    return g * min(1, limit / np.linalg.norm(g))


def test_clipnorm_is_per_weight():
    check(lambda: SGD(0.1, clipnorm=0.5), lambda w, g, s, t: w - 0.1 * clipped(g, 0.5))
    check(lambda: SGD(0.1, clipnorm=1e3), lambda w, g, s, t: w - 0.1 * g)


def test_clipvalue():
    check(lambda: SGD(0.1, clipvalue=0.3), lambda w, g, s, t: w - 0.1 * np.clip(g, -0.3, 0.3))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", [0.7, 1e3])
def test_global_clipnorm_is_over_all_weights(way, limit):
    weights, gradients = start_and_gradients()
    expected = [w.astype(float) for w in weights]
    for grads in gradients:
        norm = np.sqrt(sum(np.sum(g.astype(float) ** 2) for g in grads))
        expected = [w - 0.1 * g * min(1, limit / norm) for w, g in zip(expected, grads, strict=True)]
    for got, want in zip(run(SGD(0.1, global_clipnorm=limit), way), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_zero_gradients_survive_clipping(way, name):
    variable = Variable(np.ones(3, np.float32), name="w")
    optimizer = SGD(0.1, **{name: 1.0})
    zero = np.zeros(3, np.float32)
    if way == "eager":
        optimizer.apply([zero], [variable])
    else:
        trace = Trace(flat=FlatParameters([variable]) if way == "flat" else None)
        with trace:
            optimizer.apply([trace.input("g", (3,))], [variable])
        trace.compile([], 1).run(1, [zero])
    np.testing.assert_array_equal(variable.numpy(), np.ones(3))


def test_only_one_clipping():
    with pytest.raises(ValueError, match="only one of clipnorm, clipvalue and global_clipnorm"):
        SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="clipnorm must be positive"):
        SGD(clipnorm=0.0)


def test_weight_decay():
    check(lambda: SGD(0.1, weight_decay=0.2), lambda w, g, s, t: w * (1 - 0.02) - 0.1 * g)


@pytest.mark.parametrize("way", WAYS)
def test_exclude_from_weight_decay(way):
    optimizer = SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["w1", "w3"])
    decayed = reference(lambda w, g, s, t: w * (1 - 0.05) - 0.1 * g)
    plain = reference(lambda w, g, s, t: w - 0.1 * g)
    for i, got in enumerate(run(optimizer, way)):
        np.testing.assert_allclose(got, (plain if i in (1, 3) else decayed)[i], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["w0"])


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.1)])
def test_no_gradient_leaves_the_weight_alone(make):
    for way in WAYS:
        variables = [Variable(np.ones(3, np.float32), name="a"), Variable(np.ones(4, np.float32), name="b")]
        optimizer = make()
        gradient = np.full(3, 2.0, np.float32)
        if way == "eager":
            optimizer.apply([gradient, None], variables)
        else:
            trace = Trace(flat=FlatParameters(variables) if way == "flat" else None)
            with trace:
                optimizer.apply([trace.input("g", (3,)), None], variables)
            trace.compile([], 1).run(1, [gradient])
        assert np.all(variables[0].numpy() < 1)
        np.testing.assert_array_equal(variables[1].numpy(), np.ones(4))
    with pytest.raises(ValueError, match="no gradients for any variable"):
        make().apply([None], [Variable(np.ones(2, np.float32))])


def test_the_learning_rate_can_be_set_without_compiling_again():
    weights, gradients = start_and_gradients(2)
    variables = [Variable(w) for w in weights]
    optimizer = SGD(0.1)
    trace = Trace(flat=FlatParameters(variables))
    with trace:
        optimizer.apply([trace.input(f"g{i}", shape) for i, shape in enumerate(SHAPES)], variables)
    program = trace.compile([], 1)
    program.run(1, gradients[0])
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate) == 0.5
    program.run(1, gradients[1])
    for variable, w, g0, g1 in zip(variables, weights, *gradients, strict=True):
        np.testing.assert_allclose(variable.numpy(), w - 0.1 * g0 - 0.5 * g1, rtol=1e-5, atol=1e-6)


def test_schedule_follows_the_iterations():
    check(
        lambda: SGD(ExponentialDecay(0.1, 2, 0.5)),
        lambda w, g, s, t: w - 0.1 * 0.5 ** ((t - 1) / 2) * g,
    )
    optimizer = SGD(ExponentialDecay(0.1, 2, 0.5))
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    with pytest.raises(TypeError, match="made with a learning-rate schedule"):
        optimizer.learning_rate = 0.1


def test_callable_learning_rate():
    expected = reference(lambda w, g, s, t: w - 0.25 * g)
    for got, want in zip(run(SGD(lambda: 0.25), "flat"), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="learning_rate must be a number"):
        SGD("fast")


def test_the_three_ways_share_their_state():
    """Slots keep their values when the weights are laid out flat, and again in another layout."""
    weights, gradients = start_and_gradients(3)
    variables = [Variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    optimizer = Adam(0.1)
    optimizer.apply(gradients[0], variables)
    for grads in gradients[1:]:
        trace = Trace(flat=FlatParameters(variables))  # a new layout each time
        with trace:
            optimizer.apply([trace.input(f"g{i}", shape) for i, shape in enumerate(SHAPES)], variables)
        trace.compile([], 1).run(1, grads)
    for variable, want in zip(variables, run(Adam(0.1), "eager", steps=3), strict=True):
        np.testing.assert_allclose(variable.numpy(), want, rtol=1e-5, atol=1e-6)


def test_state_by_name():
    optimizer = Adam(0.1)
    variables = [Variable(np.ones(2, np.float32), name="a"), Variable(np.ones(3, np.float32), name="b")]
    optimizer.build(variables)
    names = {id(variable): f"layer/{variable.name}" for variable in variables}
    state = optimizer.named_state(names)
    assert list(state) == [
        "iterations",
        "learning_rate",
        "layer/a/momentum",
        "layer/b/momentum",
        "layer/a/velocity",
        "layer/b/velocity",
    ]
    assert [id(variable) for variable in state.values()] == [id(variable) for variable in optimizer.variables]
    assert state["layer/b/velocity"].shape == (3,)


def test_unknown_variables_are_an_error():
    optimizer = SGD()
    optimizer.build([Variable(np.ones(2, np.float32), name="a")])
    with pytest.raises(ValueError, match=r"does not know .*other"):
        optimizer.apply([np.ones(2, np.float32)], [Variable(np.ones(2, np.float32), name="other")])
    with pytest.raises(ValueError, match="2 gradients for 1 variables"):
        optimizer.apply([1.0, 2.0])


class Signs(optimizers.Optimizer):
    """An optimizer as a user writes one."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._last = self.add_optimizer_variables(variables, "last")

    def update_step(self, gradient, variable, learning_rate):
        last = self._last[self._get_variable_index(variable)]
        self.assign_sub(variable, learning_rate * (gradient + last))
        self.assign(last, gradient)


class SignsByHand(Signs):
    """The same with slots made one by one, as older code does."""

    def build(self, variables):
        if self.built:
            return
        optimizers.Optimizer.build(self, variables)
        self._last = [self.add_variable_from_reference(variable, name="last") for variable in variables]


@pytest.mark.parametrize("cls", [Signs, SignsByHand])
def test_own_optimizer(cls):
    def update(w, g, s, t):
        last, s["last"] = s.get("last", 0), g
        return w - 0.1 * (g + last)

    expected = reference(update)
    for way in WAYS:
        for got, want in zip(run(cls(0.1), way), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_constraint_is_applied_after_the_step():
    for way in WAYS:
        variable = Variable(np.array([1.0, -1.0], np.float32), constraint=lambda w: abs(w))
        optimizer = SGD(1.0)
        gradient = np.array([3.0, 3.0], np.float32)
        if way == "eager":
            optimizer.apply([gradient], [variable])
        else:
            trace = Trace(flat=FlatParameters([variable]) if way == "flat" else None)
            with trace:
                optimizer.apply([trace.input("g", (2,))], [variable])
            trace.compile([], 1).run(1, [gradient])
        np.testing.assert_allclose(variable.numpy(), [2.0, 4.0])


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_get_and_configuration(name):
    cls = getattr(optimizers, name)
    for given in (name, name.lower(), cls, cls(), {"class_name": name, "config": {}}):
        assert type(optimizers.get(given)) is cls
    optimizer = cls(ExponentialDecay(0.1, 10, 0.9), clipvalue=2.0)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == pytest.approx(0.1)


def test_unknown_optimizer():
    with pytest.raises(ValueError, match='unknown optimizer "adm"; did you mean "adam"'):
        optimizers.get("adm")
    with pytest.raises(ValueError, match="as an optimizer"):
        optimizers.get(lambda: None)
