"""One to many: from a few letters, a text. A character LSTM on Tiny Shakespeare, sampled with a temperature.

python examples/text_generation.py [EPOCHS [WINDOWS]]        about 1.7 nats per character after 3 epochs
"""

import sys

import numpy as np

import linnet as keras
from linnet import layers
from linnet.utils import Vocabulary

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
count = int(sys.argv[2]) if len(sys.argv) > 2 else None
steps = 100

text, _, _ = keras.datasets.tiny_shakespeare.load_data()
letters = Vocabulary([text], special=())
ids = np.array(letters.encode(text), np.int32)
n = (len(ids) - 1) // steps
x = ids[: n * steps].reshape(n, steps)[:count]
y = ids[1 : n * steps + 1].reshape(n, steps)[:count]  # the same, one letter later


def network(batch_shape, stateful):
    return keras.Sequential(
        [
            keras.Input(batch_shape=batch_shape, dtype="int32"),
            layers.Embedding(len(letters), 64),
            layers.LSTM(192, return_sequences=True, stateful=stateful),
            layers.Dense(len(letters)),
        ]
    )


model = network((None, steps), stateful=False)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(4e-3, global_clipnorm=1.0), loss)
model.fit(x, y, batch_size=64, epochs=epochs, validation_split=0.05, verbose=2)

# The same weights, one letter at a time: a stateful layer remembers what came before.
writer = network((1, None), stateful=True)
writer.set_weights(model.get_weights())
random = np.random.default_rng(0)
for temperature in (0.5, 1.0):
    writer.layers[1].reset_states()
    written = letters.encode("ROMEO:\n")
    scores = writer.predict_on_batch(np.array([written], np.int32))[0, -1]
    for _ in range(200):
        powers = np.exp((scores - scores.max()).astype("float64") / temperature)
        written.append(int(random.choice(len(powers), p=powers / powers.sum())))
        scores = writer.predict_on_batch(np.array([[written[-1]]], np.int32))[0, -1]
    print(f"--- temperature {temperature}\n{''.join(letters.decode(written))}")
