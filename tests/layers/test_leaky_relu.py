"""LeakyReLU."""

import numpy as np
import pytest
from support import check_function, check_layer, samples

from linnet.layers import LeakyReLU


@pytest.mark.parametrize("kwargs", [{}, {"negative_slope": 0.0}, {"negative_slope": 0.5}])
def test_layer(kwargs):
    check_layer(LeakyReLU, kwargs, (3, 4), (3, 4), 0)
    slope = kwargs.get("negative_slope", 0.3)
    check_function(lambda x: LeakyReLU(**kwargs)(x), lambda x: np.where(x > 0, x, slope * x), [samples((3, 5))])


def test_wrong_arguments():
    assert LeakyReLU(alpha=0.1).negative_slope == 0.1
    for slope in (-0.1, None):
        with pytest.raises(ValueError, match="negative_slope must not be negative"):
            LeakyReLU(negative_slope=slope)
