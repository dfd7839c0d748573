"""Dense, activation and merging layers."""

from parity.harness import LayerCase, numbers

X = numbers((4, 6))
PAIR = [numbers((4, 3, 5), 1), numbers((4, 3, 5), 2)]

CASES = [
    LayerCase("dense", lambda k: k.layers.Dense(5), [X]),
    LayerCase("dense_relu_no_bias", lambda k: k.layers.Dense(5, activation="relu", use_bias=False), [X]),
    LayerCase("dense_l1l2", lambda k: k.layers.Dense(3, kernel_regularizer=k.regularizers.L1L2(0.01, 0.02)), [X]),
    LayerCase("dense_of_sequence", lambda k: k.layers.Dense(4, activation="tanh"), [numbers((3, 5, 6))]),
    LayerCase("dense_constraint", lambda k: k.layers.Dense(3, kernel_constraint=k.constraints.MaxNorm(0.5)), [X]),
    LayerCase("softmax_axis", lambda k: k.layers.Softmax(axis=1), [numbers((4, 5, 3))], train=False),
    LayerCase(
        "relu_max_slope", lambda k: k.layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), [X], train=False
    ),
    LayerCase("reshape", lambda k: k.layers.Reshape((3, -1)), [X], train=False),
    LayerCase("concatenate", lambda k: k.layers.Concatenate(axis=1), PAIR, train=False),
    LayerCase("average", lambda k: k.layers.Average(), PAIR, train=False),
]
