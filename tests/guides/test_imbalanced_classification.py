"""Follows the Keras example "Imbalanced classification: credit card fraud detection": rare positives, class weights
from the counts, and metrics that count the four cases. Drawn numbers take the place of the card payments."""

import numpy as np

import linnet as keras


def test_rare_positives(tmp_path):
    rng = np.random.default_rng(0)
    targets = (rng.random((1500, 1)) < 0.03).astype("uint8")
    features = (rng.normal(size=(1500, 12)) + 1.5 * targets * rng.choice([-1, 1], 12)).astype("float32")
    held = 300
    train_features, val_features = features[:-held], features[-held:]
    train_targets, val_targets = targets[:-held], targets[-held:]
    counts = np.bincount(train_targets[:, 0])
    weight_for_0, weight_for_1 = 1.0 / counts[0], 1.0 / counts[1]
    mean = np.mean(train_features, axis=0)
    std = np.std(train_features, axis=0)
    train_features = (train_features - mean) / std
    val_features = (val_features - mean) / std
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(shape=train_features.shape[1:]),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    metrics = [
        keras.metrics.FalseNegatives(name="fn"),
        keras.metrics.FalsePositives(name="fp"),
        keras.metrics.TrueNegatives(name="tn"),
        keras.metrics.TruePositives(name="tp"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
    ]
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy", metrics=metrics)
    callbacks = [keras.callbacks.ModelCheckpoint(tmp_path / "fraud_model_at_epoch_{epoch}.keras")]
    class_weight = {0: weight_for_0, 1: weight_for_1}
    history = model.fit(
        train_features,
        train_targets,
        batch_size=256,
        epochs=15,
        verbose=0,
        callbacks=callbacks,
        validation_data=(val_features, val_targets),
        class_weight=class_weight,
    )
    logs = {name: values[-1] for name, values in history.history.items()}
    assert logs["val_tp"] + logs["val_fn"] == val_targets.sum()
    assert logs["val_tn"] + logs["val_fp"] == held - val_targets.sum()
    assert logs["val_recall"] > 0.5
    loaded = keras.models.load_model(tmp_path / "fraud_model_at_epoch_15.keras")
    np.testing.assert_array_equal(loaded.predict(val_features, verbose=0), model.predict(val_features, verbose=0))


def test_other_ways_to_the_same_end():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.05).astype("int32")
    x = (rng.normal(size=(600, 6)) + 1.5 * y[:, None]).astype("float32")

    def recall(*data, **options):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=[keras.metrics.Recall(name="recall")])
        model.fit(*data, epochs=10, verbose=0, **options)
        return model.evaluate(x, y, verbose=0, return_dict=True)["recall"]

    plain = recall(x, y)
    assert recall(x, y, class_weight="balanced") > plain
    assert recall(keras.utils.OverSampled(x, y)) > plain
    assert recall(keras.utils.SMOTE(x, y)) > plain
