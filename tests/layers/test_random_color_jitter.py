"""Four changes of colour in one layer."""

import numpy as np
import pytest
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomBrightness, RandomColorJitter


def test_layer():
    kwargs = {
        "brightness_factor": 0.2,
        "contrast_factor": (0.2, 0.3),
        "saturation_factor": (0.3, 0.5),
        "hue_factor": 0.1,
    }
    check_augmentation(RandomColorJitter, {**kwargs, "seed": 2}, (4, 5, 3), (4, 5, 3))


def test_only_what_is_given():
    x = pixels(4, 3, 3, 3)
    np.testing.assert_array_equal(augmented(RandomColorJitter(), x), x)
    one = augmented(RandomColorJitter(brightness_factor=0.4), x)
    np.testing.assert_array_equal(one, augmented(RandomBrightness(0.4), x))
    with pytest.raises(ValueError, match="factor must be"):
        RandomColorJitter(hue_factor=3)
