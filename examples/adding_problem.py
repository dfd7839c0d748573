"""Long memory: an LSTM and a tanh network on the adding problem, and how far back their gradients reach.

python examples/adding_problem.py [SEQUENCES] [LENGTH]       74,000 sequences of 100 numbers; a few minutes

Of LENGTH random numbers two are marked, one in each half; their sum is asked for (S. Hochreiter, J. Schmidhuber: Long
short-term memory, 1997, experiment 4). Always saying 1 gives a mean squared error of 1/6. The picture
adding_problem.png shows the error while training, and the norm of the gradient of the error in the input of each step:
in the tanh network it fades on its way back, so that the number marked first is never learnt (vanishing gradients,
Y. Bengio et al. 1994). Clipping by norm guards against the opposite.
"""

import sys

import numpy as np

import linnet as keras
from linnet import layers
from linnet.cli.recipes.adding import sequences

count = int(sys.argv[1]) if len(sys.argv) > 1 else 74_000
length = int(sys.argv[2]) if len(sys.argv) > 2 else 100
parts = 20  # how often the error is looked at

x, y = sequences(count, length, seed=0)
x_test, y_test = sequences(1000, length, seed=1)


def gradient_norms(model):
    """For each step, the norm of d(error)/d(input of that step), averaged over the test sequences: (length,)."""

    def error(inputs):
        return keras.ops.sum(keras.ops.square(model(inputs) - y_test))

    _, gradient = keras.value_and_grad(error)(x_test)
    return np.linalg.norm(np.asarray(gradient), axis=-1).mean(axis=0)


curves, norms = {}, {}
for name, layer in (("LSTM", layers.LSTM(64)), ("tanh network", layers.SimpleRNN(64))):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((length, 2)), layer, layers.Dense(1)])
    # Adam's default for LSTMs; 1e-2 would make the tanh network explode again and again.
    rate = 1e-2 if name == "LSTM" else 1e-3
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss="mse")
    norms[name] = gradient_norms(model)
    curves[name] = []
    for part in np.array_split(np.arange(count), parts):
        model.fit(x[part], y[part], batch_size=32, verbose=0)
        curves[name].append(model.evaluate(x_test, y_test, verbose=0))
        print(f"{name}: mean squared error {curves[name][-1]:.4f} after {part[-1] + 1:,} sequences", flush=True)

print(f"\n{'':14} error    gradient in the first tenth / in the last tenth, before training")
for name, values in norms.items():
    tenth = max(1, length // 10)
    print(f"{name:14} {curves[name][-1]:.4f}   {values[:tenth].mean() / values[-tenth:].mean():.1e}")

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    sys.exit('no picture: it needs matplotlib (pip install "linnet[viz]")')
figure = Figure(figsize=(9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
for name in curves:
    left.plot(np.arange(1, parts + 1) * count / parts, curves[name], label=name)
    right.semilogy(np.arange(length), norms[name], label=name)
left.axhline(1 / 6, color="0.6", linestyle=":", label="always 1")
left.set(title="mean squared error", xlabel="sequences", ylim=(0, None))
right.set(title="norm of the gradient, before training", xlabel="step")
left.legend(frameon=False)
figure.savefig("adding_problem.png", dpi=150)
print("wrote adding_problem.png")
