"""Keras's older names are the functions of linnet.utils."""

import linnet


def test_they_are_the_functions_of_utils():
    preprocessing, utils = linnet.preprocessing, linnet.utils
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(preprocessing.image, name) is getattr(utils, name)
    assert preprocessing.sequence.pad_sequences is utils.pad_sequences
    for name in ("image_dataset_from_directory", "timeseries_dataset_from_array"):
        assert getattr(preprocessing, name) is getattr(utils, name)
