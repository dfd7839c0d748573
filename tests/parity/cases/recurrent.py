"""Recurrent layers: LSTM, GRU, SimpleRNN, cells in RNN, stacks, both directions, wrappers, convolutional LSTMs."""

from typing import Any

import numpy as np
from parity.harness import LayerCase, integers, numbers

X = numbers((4, 5, 3))
H, C = numbers((4, 6), 1), numbers((4, 6), 2)
# Padding behind, padding in front, holes, a row without any step.
MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1]], np.int32)
EMPTY_ROW = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]], np.int32)
LAYERS = ("LSTM", "GRU", "SimpleRNN")


def layer(kind: str, **kwargs: Any) -> Any:
    return lambda k: getattr(k.layers, kind)(6, **kwargs)


def masked(make: Any) -> Any:
    """A function of (x, mask)."""
    return lambda k: lambda inputs: make(k)(inputs[0], mask=k.ops.cast(inputs[1], "bool"))


def with_state(make: Any) -> Any:
    """A function of (x, states...)."""
    return lambda k: lambda inputs: make(k)(inputs[0], initial_state=list(inputs[1:]))


def with_state_and_mask(make: Any) -> Any:
    return lambda k: lambda i: make(k)(i[0], initial_state=list(i[2:]), mask=k.ops.cast(i[1], "bool"))


def states(kind: str) -> list[np.ndarray]:
    return [H, C] if kind == "LSTM" else [H]


CASES = []
for kind in LAYERS:
    low = kind.lower()
    for name, kwargs in {
        "": {},
        "_sequences": {"return_sequences": True},
        "_state": {"return_state": True},
        "_sequences_state": {"return_sequences": True, "return_state": True},
        "_backwards": {"go_backwards": True, "return_sequences": True},
        "_backwards_last": {"go_backwards": True},
        "_no_bias": {"use_bias": False},
        "_relu": {"activation": "relu", "return_sequences": True},
        "_softsign": {"activation": "softsign", "return_sequences": True},
        "_unroll": {"unroll": True, "return_sequences": True},
        "_dropout_predicts": {"dropout": 0.4, "recurrent_dropout": 0.3},
    }.items():
        CASES.append(LayerCase(low + name, layer(kind, **kwargs), [X], train="dropout" not in name))
    CASES += [
        LayerCase(
            low + "_regularized",
            lambda k, kind=kind: getattr(k.layers, kind)(
                6,
                kernel_regularizer=k.regularizers.L2(0.1),
                recurrent_regularizer=k.regularizers.L1(0.05),
                bias_regularizer=k.regularizers.L2(0.2),
                # Keras's SimpleRNN takes this and leaves it out of the loss.
                **({} if kind == "SimpleRNN" else {"activity_regularizer": k.regularizers.L2(0.01)}),
                kernel_constraint=k.constraints.MaxNorm(0.6),
                recurrent_constraint=k.constraints.UnitNorm(),
            ),
            [X],
        ),
        LayerCase(low + "_initial_state", with_state(layer(kind, return_sequences=True)), [X, *states(kind)]),
        LayerCase(low + "_masked", masked(layer(kind, return_sequences=True)), [X, MASK]),
        LayerCase(low + "_masked_last", masked(layer(kind)), [X, MASK]),
        LayerCase(low + "_masked_backwards", masked(layer(kind, go_backwards=True, return_sequences=True)), [X, MASK]),
        LayerCase(low + "_masked_empty_row", masked(layer(kind, return_sequences=True)), [X, EMPTY_ROW]),
        LayerCase(
            low + "_masked_zero_output",
            masked(layer(kind, return_sequences=True, zero_output_for_mask=True)),
            [X, MASK],
        ),
        LayerCase(
            low + "_masked_initial_state",
            with_state_and_mask(layer(kind, return_sequences=True, return_state=True)),
            [X, MASK, *states(kind)],
        ),
        LayerCase(
            low + "_masked_softsign", masked(layer(kind, activation="softsign", return_sequences=True)), [X, MASK]
        ),
        LayerCase(low + "_one_step", layer(kind), [numbers((3, 1, 2))]),
        LayerCase(low + "_one_feature", layer(kind, return_sequences=True), [numbers((2, 7, 1))]),
        LayerCase(
            low + "_two_layers",
            lambda k, kind=kind: (
                lambda x: getattr(k.layers, kind)(4)(getattr(k.layers, kind)(5, return_sequences=True)(x))
            ),
            [X],
        ),
        LayerCase(
            low + "_cell_in_rnn",
            lambda k, kind=kind: k.layers.RNN(getattr(k.layers, kind + "Cell")(6), return_sequences=True),
            [X],
        ),
        LayerCase(
            low + "_cells_stacked",
            lambda k, kind=kind: k.layers.RNN(
                [getattr(k.layers, kind + "Cell")(size) for size in (4, 6)], return_sequences=True, return_state=False
            ),
            [X],
        ),
        LayerCase(
            low + "_cells_stacked_masked",
            masked(
                lambda k, kind=kind: k.layers.RNN(
                    [getattr(k.layers, kind + "Cell")(s) for s in (6, 6)], return_sequences=True
                )
            ),
            [X, MASK],
        ),
    ]
    for mode in ("concat", "sum", "ave", "mul", None):
        CASES.append(
            LayerCase(
                f"{low}_bidirectional_{mode}",
                lambda k, kind=kind, mode=mode: k.layers.Bidirectional(
                    getattr(k.layers, kind)(6, return_sequences=True), merge_mode=mode
                ),
                [X],
            )
        )
    CASES += [
        LayerCase(
            low + "_bidirectional_last",
            lambda k, kind=kind: k.layers.Bidirectional(getattr(k.layers, kind)(6)),
            [X],
        ),
        LayerCase(
            low + "_bidirectional_state",
            lambda k, kind=kind: k.layers.Bidirectional(
                getattr(k.layers, kind)(6, return_sequences=True, return_state=True)
            ),
            [X],
        ),
        LayerCase(
            low + "_bidirectional_initial_state",
            with_state(lambda k, kind=kind: k.layers.Bidirectional(getattr(k.layers, kind)(6, return_sequences=True))),
            [X, *states(kind), *(0.5 * s for s in states(kind))],
        ),
        LayerCase(
            low + "_bidirectional_masked",
            masked(lambda k, kind=kind: k.layers.Bidirectional(getattr(k.layers, kind)(6, return_sequences=True))),
            [X, MASK],
        ),
        LayerCase(
            low + "_bidirectional_masked_last",
            masked(lambda k, kind=kind: k.layers.Bidirectional(getattr(k.layers, kind)(6), merge_mode="sum")),
            [X, MASK],
        ),
    ]

TOKENS = integers((4, 7), 5, seed=3)
TOKENS[:2, 4:] = 0

CASES += [
    LayerCase("lstm_hard_sigmoid", layer("LSTM", recurrent_activation="hard_sigmoid"), [X]),
    LayerCase("lstm_linear_gates", layer("LSTM", activation="linear", recurrent_activation="relu"), [X]),
    LayerCase("lstm_plain_forget_bias", layer("LSTM", unit_forget_bias=False), [X]),
    LayerCase("gru_reset_before", layer("GRU", reset_after=False, return_sequences=True), [X]),
    LayerCase("gru_reset_before_no_bias", layer("GRU", reset_after=False, use_bias=False), [X]),
    LayerCase("gru_reset_before_masked", masked(layer("GRU", reset_after=False, return_sequences=True)), [X, MASK]),
    LayerCase(
        "gru_reset_before_initial_state",
        with_state(layer("GRU", reset_after=False, return_sequences=True, return_state=True)),
        [X, H],
    ),
    LayerCase("gru_reset_before_backwards", layer("GRU", reset_after=False, go_backwards=True), [X]),
    LayerCase("gru_reset_before_cell", lambda k: k.layers.RNN(k.layers.GRUCell(6, reset_after=False)), [X]),
    LayerCase("gru_hard_sigmoid", layer("GRU", recurrent_activation="hard_sigmoid"), [X]),
    LayerCase("simplernn_sigmoid", layer("SimpleRNN", activation="sigmoid"), [X]),
    LayerCase("simplernn_linear", layer("SimpleRNN", activation=None), [X]),
    LayerCase("lstm_wide", layer("LSTM", return_sequences=True), [numbers((19, 3, 21))]),
    LayerCase(
        "lstm_of_masked_tokens",
        lambda k: lambda t: k.layers.LSTM(5)(k.layers.Embedding(5, 4, mask_zero=True)(t)),
        [TOKENS],
    ),
    LayerCase(
        "two_layers_of_masked_tokens",
        lambda k: (
            lambda t: k.layers.GRU(5)(
                k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True))(
                    k.layers.Embedding(5, 4, mask_zero=True)(t)
                )
            )
        ),
        [TOKENS],
    ),
    LayerCase(
        "lstm_behind_masking",
        lambda k: lambda x: k.layers.LSTM(5, return_sequences=True)(k.layers.Masking(0.0)(x)),
        [X * MASK[..., None].astype(np.float32)],
    ),
    LayerCase(
        "bidirectional_two_kinds",
        lambda k: k.layers.Bidirectional(
            k.layers.LSTM(4, return_sequences=True),
            backward_layer=k.layers.GRU(5, return_sequences=True, go_backwards=True),
        ),
        [X],
    ),
    LayerCase("time_distributed_dense", lambda k: k.layers.TimeDistributed(k.layers.Dense(4)), [X]),
    LayerCase(
        "time_distributed_conv",
        lambda k: k.layers.TimeDistributed(k.layers.Conv2D(3, 2)),
        [numbers((2, 3, 5, 4, 2))],
    ),
    LayerCase("time_distributed_lstm", lambda k: k.layers.TimeDistributed(k.layers.LSTM(4)), [numbers((2, 3, 4, 2))]),
]

VIDEO = numbers((2, 4, 6, 5, 2))
for name, kwargs in {
    "": {"padding": "same"},
    "_valid": {"return_sequences": True},
    "_strides": {"strides": 2, "padding": "same", "return_sequences": True},
    "_dilation": {"dilation_rate": 2, "padding": "same"},
    "_backwards": {"go_backwards": True, "return_sequences": True, "padding": "same"},
    "_state": {"return_state": True, "padding": "same"},
    "_no_bias": {"use_bias": False, "padding": "same", "activation": "relu"},
}.items():
    CASES.append(
        LayerCase(
            "conv_lstm2d" + name, lambda k, kwargs=kwargs: k.layers.ConvLSTM2D(3, 3, **kwargs), [VIDEO], atol=5e-6
        )
    )
CASES += [
    LayerCase("conv_lstm1d", lambda k: k.layers.ConvLSTM1D(3, 3, return_sequences=True), [numbers((2, 4, 7, 2))]),
]
