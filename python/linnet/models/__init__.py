"""Models: layers that can be compiled, trained, evaluated, asked, saved and summed up."""

from linnet.models.cloning import clone_model
from linnet.models.functional import Functional
from linnet.models.model import Model
from linnet.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "save_model"]


def save_model(model: Model, filepath: str, overwrite: bool = True) -> None:
    """The same as model.save(filepath)."""
    model.save(filepath, overwrite=overwrite)


def load_model(filepath: str, custom_objects: dict | None = None, compile: bool = True) -> Model:
    """The same as linnet.saving.load_model."""
    from linnet import saving

    return saving.load_model(filepath, custom_objects=custom_objects, compile=compile)
