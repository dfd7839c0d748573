"""Models: layers that can be compiled, trained, evaluated, asked, saved and summed up."""

from linnet.models.cloning import clone_model
from linnet.models.functional import Functional
from linnet.models.model import Model
from linnet.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def save_model(model: Model, filepath: str, overwrite: bool = True) -> None:
    """The same as model.save(filepath)."""
    model.save(filepath, overwrite=overwrite)


def load_model(
    filepath: str, custom_objects: dict | None = None, compile: bool = True, safe_mode: bool = True
) -> Model:
    """The same as linnet.saving.load_model."""
    from linnet import saving

    return saving.load_model(filepath, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode)


def model_from_json(json_string: str, custom_objects: dict | None = None) -> Model:
    """A new model with the architecture that `model.to_json()` wrote, and fresh weights."""
    import json

    from linnet.saving import deserialize_keras_object

    model = deserialize_keras_object(json.loads(json_string), custom_objects)
    if not isinstance(model, Model):
        raise ValueError(
            f"model_from_json: expected the configuration of a model, got that of a {type(model).__name__}"
        )
    return model
