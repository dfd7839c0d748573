import pytest

from linnet.applications import ResNet50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "imagenet"}, "weights must be None, got 'imagenet'"),
        ({"pooling": "avg"}, "has no effect with include_top=True"),
        ({"include_top": False, "pooling": "mean"}, 'must be None, "avg" or "max"'),
        ({"input_shape": (31, 64, 3)}, "from 32x32 on"),
        ({"input_shape": (64, 64)}, "from 32x32 on"),
    ],
)
def test_arguments_are_checked(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^resnet50: .*{message}"):
        ResNet50(**arguments)


def test_without_an_input_shape_it_is_that_of_imagenet() -> None:
    assert ResNet50(include_top=False).input_shape == (None, 224, 224, 3)
