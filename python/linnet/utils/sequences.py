"""Sequences of different lengths as one array: Keras's `pad_sequences`, and `Vocabulary`, which numbers their tokens.

Text stays outside of the engine: what a model sees are int32 ids. Id 0 is for padding, so that `Embedding(...,
mask_zero=True)` knows where a sequence ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

PADDING = "<pad>"
UNKNOWN = "<unk>"


def pad_sequences(
    sequences: Sequence[Sequence[Any]],
    maxlen: int | None = None,
    dtype: str = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0,
) -> np.ndarray:
    """An array (n, maxlen, ...) of n sequences, short ones filled with `value`, long ones cut.

    maxlen: the longest sequence's length when not given.
    padding, truncating: at the beginning ("pre", as in Keras) or at the end ("post"). Recurrent layers run over "post"
        at no cost beyond the real length.

    Raises ValueError for another `padding` or `truncating`, for a number among the sequences, and for steps of
    different shapes.
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ValueError(f'pad_sequences: {name} is "pre" or "post", got {choice!r}')
    arrays = []
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"pad_sequences: expected sequences, element {i} is {sequence!r}")
        arrays.append(np.asarray(sequence))
    if maxlen is None:
        maxlen = max((len(array) for array in arrays), default=0)
    step = next((array.shape[1:] for array in arrays if len(array)), ())
    padded = np.full((len(arrays), maxlen, *step), value, np.dtype(dtype))
    for i, array in enumerate(arrays):
        if len(array) == 0 or maxlen == 0:
            continue
        if array.shape[1:] != step:
            raise ValueError(
                f"pad_sequences: the steps of sequence {i} have shape {array.shape[1:]}, those before {step}"
            )
        part = array[-maxlen:] if truncating == "pre" else array[:maxlen]
        if padding == "pre":
            padded[i, maxlen - len(part) :] = part
        else:
            padded[i, : len(part)] = part
    return padded


class Vocabulary:
    """Numbers for tokens (words, characters, tags), by frequency; equally frequent ones in alphabetical order.

    sequences: token sequences to count: lists of words, or strings, whose tokens are characters.
    max_tokens: at most so many tokens, the special ones included; the others become "<unk>".
    min_count: tokens seen less often become "<unk>".
    special: tokens with the first ids, whether they occur or not. Where "<unk>" is not among them, a token outside the
        vocabulary is an error.

    >>> words = Vocabulary([["a", "b", "a"]])
    >>> words.encode(["b", "a", "c"]), words.decode([3, 2])
    ([3, 2, 1], ['b', 'a'])
    """

    def __init__(
        self,
        sequences: Iterable[Iterable[str]] = (),
        max_tokens: int | None = None,
        min_count: int = 1,
        special: Sequence[str] = (PADDING, UNKNOWN),
    ) -> None:
        if len(set(special)) != len(special):
            raise ValueError(f"Vocabulary: the special tokens {list(special)} are not all different")
        if max_tokens is not None and max_tokens < len(special):
            raise ValueError(f"Vocabulary: max_tokens={max_tokens} has no room for {len(special)} special tokens")
        counts: Counter[str] = Counter()
        for sequence in sequences:
            counts.update(sequence)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        common = [token for token, count in ordered if count >= min_count and token not in special]
        self.tokens: tuple[str, ...] = (*special, *common)[:max_tokens]
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        self._unknown = self._ids.get(UNKNOWN)

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Vocabulary:
        """The vocabulary with exactly these tokens, as `.tokens` of another one had them."""
        return cls(special=tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __getitem__(self, token: str) -> int:
        """The id of one token. Raises KeyError for a token outside of a vocabulary without "<unk>"."""
        found = self._ids.get(token, self._unknown)
        if found is None:
            raise KeyError(f"the vocabulary of {len(self)} tokens has no {token!r}, and no {UNKNOWN!r} in its place")
        return found

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The ids of a sequence's tokens. Raises KeyError as `vocabulary[token]` does."""
        return [self[token] for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens of a sequence of ids. Raises IndexError for an id outside of the vocabulary."""
        tokens = []
        for position, i in enumerate(ids):
            if not 0 <= int(i) < len(self.tokens):
                raise IndexError(f"id {int(i)} at position {position} is not in 0 .. {len(self.tokens) - 1}")
            tokens.append(self.tokens[int(i)])
        return tokens
