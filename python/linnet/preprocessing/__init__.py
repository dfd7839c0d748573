"""Keras's older names for what `linnet.utils` has."""

from linnet.preprocessing import image, sequence
from linnet.utils.image_folder import image_dataset_from_directory
from linnet.utils.timeseries import timeseries_dataset_from_array

__all__ = ["image", "image_dataset_from_directory", "sequence", "timeseries_dataset_from_array"]
