"""What all optimizers share: clipping, weight decay, learning rates, state, unknown variables, own optimizers."""

import numpy as np
import pytest
from support_optimizers import SHAPES, WAYS, adam, check, reference, run, start_and_gradients

import linnet
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


class OwnAdam(Adam):
    """A rule that the engine knows, overridden: the engine's must not be used."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(2.0 * gradient, variable, learning_rate)


class DescribedAdam(Adam):
    """Overrides nothing that matters to the engine."""

    def build(self, variables):
        super().build(variables)


def test_an_overridden_rule_is_composed():
    plain = adam(0.01)
    check(lambda: OwnAdam(0.01), lambda w, g, s, t: plain(w, 2 * g, s, t))
    check(lambda: DescribedAdam(0.01), adam(0.01))
    assert not OwnAdam()._follows_engine_rule()
    assert DescribedAdam()._follows_engine_rule()


MAKERS = {
    "sgd": lambda **k: SGD(0.1, **k),
    "momentum": lambda **k: SGD(0.1, momentum=0.9, **k),
    "adam": lambda **k: Adam(0.01, **k),
    "amsgrad": lambda **k: Adam(0.01, amsgrad=True, **k),
    "rmsprop": lambda **k: optimizers.RMSprop(0.01, momentum=0.5, centered=True, epsilon=1e-2, **k),
    "adagrad": lambda **k: optimizers.Adagrad(0.1, **k),
    "own": lambda **k: Signs(0.1, **k),
    "by hand": lambda **k: SignsByHand(0.1, **k),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("frequency", [None, 2])
def test_moving_average(name, way, frequency):
    """average = w after the first step, then m average + (1 - m) w; every `frequency` steps the weights become it."""
    make = MAKERS[name]
    optimizer = make(use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=frequency)
    got = run(optimizer, way)
    averages = [a.numpy() for a in optimizer._model_variables_moving_average[:4]]
    # The same steps without averages, one after the other, so that the weights can be looked at in between.
    variables = [Variable(w, name=f"w{i}") for i, w in enumerate(start_and_gradients()[0])]
    plain, expected = make(), None
    for t, grads in enumerate(start_and_gradients()[1], 1):
        plain.apply(grads, variables)
        now = [v.numpy().astype(float) for v in variables]
        expected = now if t == 1 else [0.6 * a + 0.4 * w for a, w in zip(expected, now, strict=True)]
        if frequency and t % frequency == 0:
            for variable, average in zip(variables, expected, strict=True):
                variable.assign(average.astype(np.float32))
    for a, b, c, d in zip(averages, expected, got, variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(c, d.numpy(), rtol=1e-4, atol=1e-5)
    optimizer.finalize_variable_values(optimizer._trainable_variables)
    for average, variable in zip(averages, optimizer._trainable_variables, strict=True):
        np.testing.assert_array_equal(average, variable.numpy())
    with pytest.raises(ValueError, match="1 variables were given"):
        optimizer.finalize_variable_values(optimizer._trainable_variables[:1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MAKERS)
def test_gradient_accumulation(name, way):
    """Two calls are one update by the mean of their gradients, and clipping and decay come after the mean."""
    make = MAKERS[name]
    extra = {"clipnorm": 0.8, "weight_decay": 0.1}
    optimizer = make(gradient_accumulation_steps=2, **extra)
    weights, gradients = start_and_gradients(6)
    variables = [Variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    program = None
    if way != "eager":
        trace = Trace(flat=FlatParameters(variables) if way == "flat" else None)
        with trace:
            optimizer.apply([trace.input(f"g{i}", shape) for i, shape in enumerate(SHAPES)], variables)
        program = trace.compile([], 1)
    plain, expected = make(**extra), [Variable(w) for w in weights]
    for call, grads in enumerate(gradients):
        before = [variable.numpy() for variable in variables]
        if program is not None:
            program.run(1, grads)
        else:
            optimizer.apply(grads, variables)
        if call % 2 == 0:
            for variable, old in zip(variables, before, strict=True):
                np.testing.assert_array_equal(variable.numpy(), old)
        else:
            plain.apply([(a + b) / 2 for a, b in zip(gradients[call - 1], grads, strict=True)], expected)
            for variable, want in zip(variables, expected, strict=True):
                np.testing.assert_allclose(variable.numpy(), want.numpy(), rtol=1e-4, atol=1e-5)
            assert all(not np.any(total.numpy()) for total in optimizer._accumulated_gradients)
    assert (int(np.asarray(optimizer.iterations)), optimizer.steps_taken) == (3, 6)


def test_loss_scale():
    check(lambda: SGD(0.1, loss_scale_factor=8.0), lambda w, g, s, t: w - 0.1 * g / 8)
    assert SGD(loss_scale_factor=8.0).scale_loss(2.0) == 16.0
    assert SGD().scale_loss(2.0) == 2.0


def test_everything_at_once():
    """Clipping after the scale, decay before the step."""

    def update(w, g, s, t):
        s["m"] = 0.9 * s.get("m", 0) - 0.1 * np.clip(g / 2, -0.4, 0.4)
        return w * (1 - 0.03 * 0.1) + s["m"]

    check(lambda: SGD(0.1, momentum=0.9, clipvalue=0.4, weight_decay=0.03, loss_scale_factor=2.0), update)


@pytest.mark.parametrize("way", WAYS)
def test_the_average_of_a_weight_without_gradient_is_the_weight(way):
    variables = [Variable(np.ones(3, np.float32), name="a"), Variable(np.full(4, 5, np.float32), name="b")]
    optimizer = SGD(0.1, use_ema=True, ema_momentum=0.5)
    gradient = np.full(3, 2.0, np.float32)
    if way == "eager":
        optimizer.apply([gradient, None], variables)
        optimizer.apply([gradient, None], variables)
    else:
        trace = Trace(flat=FlatParameters(variables) if way == "flat" else None)
        with trace:
            optimizer.apply([trace.input("g", (3,)), None], variables)
        program = trace.compile([], 1)
        program.run(1, [gradient])
        program.run(1, [gradient])
    np.testing.assert_allclose(variables[0].numpy(), np.full(3, 0.6), rtol=1e-6)
    optimizer.finalize_variable_values(variables)
    np.testing.assert_allclose(variables[0].numpy(), np.full(3, 0.7), rtol=1e-6)
    np.testing.assert_allclose(variables[1].numpy(), np.full(4, 5.0), rtol=1e-6)


def test_fit_ends_with_the_averages_and_a_file_keeps_them(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 3)).astype(np.float32), rng.standard_normal((64, 2)).astype(np.float32)

    def model():
        linnet.utils.set_random_seed(1)
        found = linnet.Sequential([linnet.Input((3,)), linnet.layers.Dense(4, "tanh"), linnet.layers.Dense(2)])
        found.compile(Adam(0.01, use_ema=True, ema_momentum=0.9, gradient_accumulation_steps=2), "mse")
        return found

    first = model()
    for start in range(0, 64, 16):
        first.train_on_batch(x[start : start + 16], y[start : start + 16])
    averages = [v.numpy() for v in first.optimizer._model_variables_moving_average[:4]]
    assert any(np.any(a != w.numpy()) for a, w in zip(averages, first.trainable_variables, strict=True))
    first.save(tmp_path / "model.linnet")
    again = linnet.saving.load_model(tmp_path / "model.linnet")
    assert again.optimizer.get_config() == first.optimizer.get_config()
    for a, b in zip(first.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for _ in range(3):  # the accumulator goes on where it was
        first.train_on_batch(x, y)
        again.train_on_batch(x, y)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    second = model()
    second.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    for average, weight in zip(averages, second.trainable_variables, strict=True):
        np.testing.assert_array_equal(average, weight.numpy())


def test_bits_do_not_depend_on_the_number_of_threads():
    before = linnet.num_threads()
    results = []
    for threads in (1, 2, 3, 5):
        linnet.set_num_threads(threads)
        results.append(run(Adam(0.1, global_clipnorm=0.5, weight_decay=0.1, use_ema=True), "flat"))
    linnet.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"use_ema": True, "ema_momentum": 1.5}, "ema_momentum must lie in"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "ema_overwrite_frequency must be None or an integer"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be None or an integer of at least 2"),
        ({"gradient_accumulation_steps": 2.5}, "gradient_accumulation_steps must be None or an integer of at least 2"),
        ({"loss_scale_factor": 0.0}, "loss_scale_factor must be positive"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SGD(**arguments)


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
