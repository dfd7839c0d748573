"""Checks that several layers share."""

import numpy as np
import pytest

from linnet.layers.arguments import channels_last, padding_name, pair, positive


def test_accepted():
    assert pair("x", 3) == (3, 3)
    assert pair("x", [np.int64(2), 5]) == (2, 5)
    assert pair("x", 0, least=0) == (0, 0)
    assert positive("x", np.int32(4)) == 4
    assert padding_name("Same") == "same"
    assert channels_last(None) == "channels_last"


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, (1,), (1, 2, 3), (1, 0), (True, 1)])
def test_pair_refused(value):
    with pytest.raises(ValueError, match="size must be an integer of at least 1, or a pair of them"):
        pair("size", value)
