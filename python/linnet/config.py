"""Global settings: the fuzz factor `epsilon`, the algorithms of convolutions, the float type and the image layout.

linnet computes in float32 and in the channels-last layout only, so `floatx` and `image_data_format` are here for
programs that ask; setting them to anything else is an error that says so.
"""

from linnet import _engine

_epsilon = 1e-7


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite (1e-7 unless set)."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Sets the fuzz factor. Models already compiled keep the old one."""
    global _epsilon
    if not value > 0:
        raise ValueError(f"set_epsilon: expected a positive number, got {value!r}")
    _epsilon = float(value)


def get_conv_algorithm() -> str:
    """How convolutions are computed: "auto" (also the default) or "direct"."""
    return _engine.conv_algorithm()


def set_conv_algorithm(algorithm: str) -> None:
    """Chooses how convolutions are computed from now on; models pick it up at their next call.

    "auto" takes the fastest way for each layer, which for most 3x3 and 5x5 layers is Winograd's: a third of the
    multiplications, at a rounding error a few times larger (docs/performance.md has the figures). "direct" computes
    the sum of products as it is written down. The environment variable LINNET_CONV_ALGORITHM sets the initial value.
    """
    if algorithm not in ("auto", "direct"):
        raise ValueError(f"set_conv_algorithm: expected 'auto' or 'direct', got {algorithm!r}")
    from linnet.backend.variable import storage

    _engine.set_conv_algorithm(algorithm)
    storage.epoch += 1  # the short ways past the caches of programs look at nothing else


def floatx() -> str:
    """The default float type: always "float32"."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accepts "float32" only."""
    if value != "float32":
        raise ValueError(f"set_floatx: linnet computes in float32 only, got {value!r}")


def image_data_format() -> str:
    """The default image layout: always "channels_last"."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Accepts "channels_last" only as the default; layers take `data_format` where they support another."""
    if data_format != "channels_last":
        raise ValueError(f"set_image_data_format: the default is always 'channels_last', got {data_format!r}")


def backend() -> str:
    """The name of the backend: "linnet"."""
    return "linnet"
