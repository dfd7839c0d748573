"""Embedding, Masking, and masks on their way through layers to the loss."""

import numpy as np
from parity.harness import LayerCase, ValueCase, integers, numbers

IDS = integers((4, 6), 5)  # about one in five is 0: padding
IDS[:, 5] = 0
IDS[0, 2:] = 0
OTHER = integers((4, 6), 5, 1)
STEPS = numbers((3, 5, 4))
STEPS[:, 3:] = 0
STEPS[1, 1] = 0


def merged(name, with_plain=False, **kwargs):
    def make(k):
        def build(xs):
            a = k.layers.Embedding(5, 3, mask_zero=True)(xs[0])
            b = k.layers.Embedding(5, 3, mask_zero=not with_plain)(xs[1])
            return k.layers.Dense(2)(getattr(k.layers, name)(**kwargs)([a, b]))

        return build

    return LayerCase(f"merge_{name.lower()}{'_plain' if with_plain else ''}_{len(kwargs)}", make, [IDS, OTHER])


def chain(*makes):
    def make(k):
        def build(x):
            for one in makes:
                x = one(k)(x)
            return x

        return build

    return make


def embedding(k):
    return k.layers.Embedding(5, 3, mask_zero=True)


def nested(k):
    source = k.Input((6, 3))
    return k.Model(source, k.layers.Dense(2)(source))


def loss_case(name, make_loss, with_weights):
    def run(k):
        model = k.Sequential([k.Input((6,), dtype="int32"), embedding(k), k.layers.Dense(2)])
        model.set_weights([numbers((5, 3)), numbers((3, 2)), numbers((2,))])
        model.compile(k.optimizers.SGD(0.1), make_loss(k), metrics=["mae"], weighted_metrics=["mse"])
        weights = np.repeat(np.array([[1], [0.5], [2], [0]], np.float32), 6, 1) if with_weights else None
        found = []
        for _ in range(2):  # in a training step, Keras on JAX loses the mask before it comes to the metrics
            model.reset_metrics()
            found.append(model.train_on_batch(IDS, numbers((4, 6, 2)), sample_weight=weights)[0])
        model.reset_metrics()
        found += model.test_on_batch(IDS, numbers((4, 6, 2)), sample_weight=weights)
        return [np.asarray(f, np.float32) for f in found] + model.get_weights()

    return ValueCase(name, run)


CASES = [
    LayerCase("embedding", lambda k: k.layers.Embedding(5, 3), [IDS]),
    LayerCase("embedding_mask_zero", embedding, [IDS]),
    LayerCase("embedding_regularizer", lambda k: k.layers.Embedding(5, 3, embeddings_regularizer="l2"), [IDS]),
    LayerCase("embedding_constraint", lambda k: k.layers.Embedding(5, 3, embeddings_constraint="unit_norm"), [IDS]),
    LayerCase("embedding_of_vector", lambda k: k.layers.Embedding(5, 2), [IDS[:, 1]]),
    LayerCase("embedding_of_matrix", lambda k: k.layers.Embedding(5, 2), [IDS.reshape(4, 3, 2)]),
    LayerCase("masking", lambda k: k.layers.Masking(), [STEPS], train=False),
    LayerCase(
        "masking_value", lambda k: k.layers.Masking(mask_value=0.5), [np.where(STEPS == 0, 0.5, STEPS)], train=False
    ),
    LayerCase("masking_dense", chain(lambda k: k.layers.Masking(), lambda k: k.layers.Dense(3)), [STEPS]),
    LayerCase("dense", chain(embedding, lambda k: k.layers.Dense(3, activation="tanh")), [IDS]),
    LayerCase(
        "activation_dropout",
        chain(
            embedding,
            lambda k: k.layers.Activation("tanh"),
            lambda k: k.layers.Dropout(0.0),
            lambda k: k.layers.Dense(2),
        ),
        [IDS],
    ),
    LayerCase("nested_model", chain(embedding, nested), [IDS]),
    LayerCase("nested_sequential", chain(embedding, lambda k: k.Sequential([k.layers.Dense(2)])), [IDS]),
    merged("Add"),
    merged("Subtract"),
    merged("Multiply"),
    merged("Average"),
    merged("Maximum"),
    merged("Minimum"),
    merged("Concatenate"),
    merged("Concatenate", axis=1),
    merged("Add", with_plain=True),
    merged("Multiply", with_plain=True),
    merged("Maximum", with_plain=True),
    merged("Concatenate", with_plain=True),
    merged("Concatenate", with_plain=True, axis=1),
    loss_case("loss", lambda k: k.losses.MeanSquaredError(), False),
    loss_case("loss_weights", lambda k: k.losses.MeanSquaredError(), True),
    loss_case("loss_sum", lambda k: k.losses.MeanSquaredError(reduction="sum"), True),
    loss_case(
        "loss_mean_with_sample_weight", lambda k: k.losses.MeanSquaredError(reduction="mean_with_sample_weight"), True
    ),
    ValueCase("mask_of_embedding", lambda k: embedding(k)(IDS)._keras_mask),
    ValueCase("mask_of_masking", lambda k: k.layers.Masking()(STEPS)._keras_mask),
    ValueCase("mask_of_dense", lambda k: k.layers.Dense(2)(k.layers.Masking()(STEPS))._keras_mask),
]
