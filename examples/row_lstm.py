"""One to one: a digit, read row by row by an LSTM, is named at the end.

python examples/row_lstm.py [EPOCHS]        about 97 % test accuracy after 30 epochs, on the digits of the package
"""

import sys

import linnet as keras
from linnet import layers

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 30

(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()  # images of 8x8: 8 steps of 8 features

model = keras.Sequential(
    [
        keras.Input((8, 8)),
        layers.Rescaling(1 / 255),
        layers.LSTM(64),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1, verbose=2)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy {100 * accuracy:.2f} %")
