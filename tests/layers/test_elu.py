"""ELU."""

import numpy as np
import pytest
from support import check_function, check_layer, samples

from linnet.layers import ELU


@pytest.mark.parametrize("kwargs", [{}, {"alpha": 0.3}])
def test_layer(kwargs):
    check_layer(ELU, kwargs, (3, 4), (3, 4), 0)
    alpha = kwargs.get("alpha", 1.0)
    check_function(
        lambda x: ELU(**kwargs)(x),
        lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        [samples((3, 5))],
    )
