"""The functional API: a network with two inputs, a residual connection and two outputs, on the digits of the package.

The model sees the upper and the lower half of a digit as two inputs, through the same convolution (shared weights), and
answers two questions: which digit is it, and is it even? Everything is as in Keras but the first import.

python examples/functional_api.py
"""

import numpy as np

import linnet as keras
from linnet import layers

(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()


def halves(x):
    """(n, 8, 8) from 0 to 255 -> the upper and the lower half, (n, 4, 8, 1) from 0 to 1."""
    x = x[..., None].astype("float32") / 255
    return [np.ascontiguousarray(x[:, :4]), np.ascontiguousarray(x[:, 4:])]


def answers(y):
    return [y, (y % 2 == 0).astype("float32")[:, None]]


upper = keras.Input((4, 8, 1), name="upper")
lower = keras.Input((4, 8, 1), name="lower")
shared = layers.Conv2D(32, 3, padding="same", activation="relu", name="shared")
x = layers.Concatenate(axis=1)([shared(upper), shared(lower)])
y = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
y = layers.Conv2D(32, 3, padding="same")(y)
x = layers.Activation("relu")(layers.Add()([x, y]))
x = layers.MaxPooling2D(2)(x)
x = layers.Dropout(0.4)(layers.Flatten()(x))
digit = layers.Dense(10, activation="softmax", name="digit")(x)
even = layers.Dense(1, activation="sigmoid", name="even")(x)

model = keras.Model(inputs=[upper, lower], outputs=[digit, even], name="two_questions")
model.summary()
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss=["sparse_categorical_crossentropy", "binary_crossentropy"],
    loss_weights=[1.0, 0.5],
    metrics=[["accuracy"], ["accuracy"]],
)
model.fit(halves(x_train), answers(y_train), batch_size=32, epochs=20, validation_split=0.1, verbose=2)

for name, value in model.evaluate(halves(x_test), answers(y_test), verbose=0, return_dict=True).items():
    print(f"test {name}: {value:.4f}")

# Any inner value can be an output: a model of the features, with the same weights.
features = keras.Model([upper, lower], model.get_layer("digit").input)
print("features of three digits:", features.predict([half[:3] for half in halves(x_test)], verbose=0).shape)
