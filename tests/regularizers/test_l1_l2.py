"""L1, L2 and both against formulas, with gradients."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import regularizers


def test_values_and_gradients():
    x = samples((3, 4))
    check_function(regularizers.L1(0.3), lambda x: 0.3 * np.sum(np.abs(x)), [x])
    check_function(regularizers.L2(0.3), lambda x: 0.3 * np.sum(x**2), [x])
    check_function(regularizers.L1L2(0.3, 0.2), lambda x: 0.3 * np.sum(np.abs(x)) + 0.2 * np.sum(x**2), [x])
    assert regularizers.L1L2()(x) == 0


@pytest.mark.parametrize(
    "given", ["l1", "L2", "l1_l2", regularizers.L1L2(0.5, 0.25), {"class_name": "L1", "config": {}}]
)
def test_get_and_configuration(given):
    regularizer = regularizers.get(given)
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert again.get_config() == regularizer.get_config()


def test_wrong_arguments():
    assert regularizers.get(None) is None
    with pytest.raises(ValueError, match="l2 must be a finite number"):
        regularizers.L2(float("nan"))
    with pytest.raises(ValueError, match="l1 must be a finite number"):
        regularizers.L1("a")
    with pytest.raises(ValueError, match='unknown regularizer "l12"'):
        regularizers.get("l12")
