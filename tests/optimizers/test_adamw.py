"""AdamW: the decay comes before Adam's step and does not pass through its moments."""

import pytest
from support_optimizers import adam, check

from linnet.optimizers import AdamW


def test_decoupled_decay():
    plain = adam(0.01)
    check(
        lambda: AdamW(0.01, weight_decay=0.3),
        lambda w, g, s, t: plain(w * (1 - 0.3 * 0.01), g, s, t),
    )


def test_default_decay():
    assert AdamW().get_config()["weight_decay"] == pytest.approx(0.004)
    with pytest.raises(ValueError, match="needs a weight_decay"):
        AdamW(weight_decay=None)
