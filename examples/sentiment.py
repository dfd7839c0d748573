"""Many to one: is a review of a film good or bad? An LSTM reads its words in both directions.

python examples/sentiment.py [EPOCHS [SENTENCES]]        about 80 % on the dev sentences of SST-2 after 4 epochs
"""

import sys

import linnet as keras
from linnet import layers
from linnet.utils import Vocabulary, pad_sequences

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 4
count = int(sys.argv[2]) if len(sys.argv) > 2 else None

(x_train, y_train), (x_dev, y_dev), _ = keras.datasets.sst2.load_data()
x_train, y_train = x_train[:count], y_train[:count]

words = Vocabulary((sentence.split() for sentence in x_train), min_count=2)  # 0 is padding, 1 an unknown word


def ids(sentences):
    """(n, longest) int32, 0 behind the end of each sentence."""
    return pad_sequences([words.encode(sentence.split()) for sentence in sentences], padding="post")


model = keras.Sequential(
    [
        keras.Input((None,), dtype="int32"),
        layers.Embedding(len(words), 256, mask_zero=True),  # the mask: padding costs nothing and changes nothing
        layers.SpatialDropout1D(0.7),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dropout(0.7),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.AdamW(1.5e-3), "binary_crossentropy", metrics=["accuracy"])
model.fit(ids(x_train), y_train, batch_size=32, epochs=epochs, validation_data=(ids(x_dev), y_dev), verbose=2)

for sentence in ("a warm , funny and moving film", "a dull and lifeless mess"):
    print(f"{100 * model.predict(ids([sentence]), verbose=0)[0, 0]:5.1f} % positive: {sentence}")
