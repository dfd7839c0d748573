"""Adam against its formulas."""

import pytest
from support_optimizers import adam, check

from linnet.optimizers import Adam


def test_defaults():
    check(Adam, adam())


def test_arguments_are_used():
    check(
        lambda: Adam(0.1, beta_1=0.5, beta_2=0.7, epsilon=0.1),
        adam(0.1, 0.5, 0.7, 0.1),
    )


def test_amsgrad():
    check(lambda: Adam(0.05, beta_2=0.6, amsgrad=True), adam(0.05, b2=0.6, amsgrad=True), steps=8)


def test_many_steps():
    check(lambda: Adam(0.01), adam(0.01), steps=60)


def test_beta_out_of_range():
    with pytest.raises(ValueError, match="beta_2 must lie in"):
        Adam(beta_2=1.0)
