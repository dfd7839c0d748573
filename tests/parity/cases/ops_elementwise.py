"""Operations: element by element, joining and taking apart, matrices of a given form."""

import numpy as np
from parity.harness import ValueCase, integers, numbers

X, Y = numbers((4, 5)), numbers((4, 5), 1)
CUBE = numbers((2, 3, 4), 3)
IMAGE = numbers((2, 4, 6, 8), 6)
ODD = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.5], np.float32)
TURN = np.array([3.0, 1.0, -2.0, np.nan, 0.0, -0.0, 2.0], np.float32)
INTS = integers((3, 4), 9)


def case(name, function, **kwargs):
    return ValueCase(name, lambda k: function(k.ops), **kwargs)


def unary(name, x=X, **kwargs):
    return case(name, lambda o: getattr(o, name)(x), **kwargs)


def binary(name, x=X, y=Y, **kwargs):
    return case(name, lambda o: getattr(o, name)(x, y), **kwargs)


CASES = [
    *[unary(name) for name in ("abs", "absolute", "ceil", "floor", "negative", "sign", "square", "round", "trunc")],
    *[
        unary(name)
        for name in ("exp", "exp2", "expm1", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arcsinh", "arctan")
    ],
    *[unary(name, np.abs(X) + 0.1) for name in ("log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal")],
    *[unary(name, np.tanh(X)) for name in ("arcsin", "arccos", "arctanh")],
    unary("erfinv", np.tanh(X), rtol=1e-5, atol=1e-6),
    unary("arccosh", np.abs(X) + 1),
    *[
        unary(name)
        for name in ("erf", "erfc", "cbrt", "fabs", "deg2rad", "rad2deg", "sinc", "angle", "real", "imag", "conj")
    ],
    *[unary(name, ODD) for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "isreal")],
    case("nan_to_num", lambda o: o.nan_to_num(ODD, nan=7.0, posinf=8.0, neginf=9.0)),
    *[binary(name) for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "hypot", "logaddexp")],
    *[binary(name) for name in ("logaddexp2", "arctan2", "heaviside", "fmod", "mod", "floor_divide")],
    *[binary(name, ODD, TURN) for name in ("fmax", "fmin")],
    *[
        binary(name, np.round(X), np.round(Y))
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    ],
    *[binary(name, X > 0, Y > 0) for name in ("logical_and", "logical_or", "logical_xor")],
    binary("ldexp", X, np.array([0, 1, 2, -1, 3], np.int32)),
    binary("power", np.abs(X), Y),
    binary("allclose", X, X + 1e-7),
    binary("isclose", X, X + np.float32(1e-6) * Y),
    case("divide_no_nan", lambda o: o.divide_no_nan(X, np.where(Y > 0, Y, 0))),
    case("clip", lambda o: o.clip(X, -0.5, 0.5)),
    case("where", lambda o: o.where(X > 0, X, Y)),
    case("select", lambda o: o.select([X > 1, X > 0], [X, -X], 5.0)),
    case("add_ints", lambda o: o.add(INTS, 3)),
    case("true_divide_ints", lambda o: o.true_divide(INTS, 2)),
    *[
        case(f"{name}_axis", lambda o, name=name: getattr(o, name)(CUBE, axis=(0, 2)))
        for name in ("sum", "mean", "max", "min", "prod", "var", "std")
    ],
    case("ptp", lambda o: o.ptp(CUBE, axis=1)),
    case("logsumexp", lambda o: o.logsumexp(CUBE, axis=(1, 2), keepdims=True)),
    case("average_weights", lambda o: o.average(X, axis=1, weights=np.abs(Y[0]))),
    case("count_nonzero", lambda o: o.count_nonzero(np.round(X), axis=1)),
    case("argmax", lambda o: o.argmax(CUBE, axis=1)),
    case("argmin", lambda o: o.argmin(CUBE)),
    case("append", lambda o: o.append(X, Y)),
    case("append_axis", lambda o: o.append(X, Y, axis=1)),
    case("array_split", lambda o: o.array_split(X, 2, axis=1)),
    case("split_at", lambda o: o.split(X, [1, 3], axis=1)),
    case("hsplit", lambda o: o.hsplit(CUBE, 3)),
    case("vsplit", lambda o: o.vsplit(CUBE, 2)),
    case("dsplit", lambda o: o.dsplit(CUBE, 2)),
    case("hstack", lambda o: o.hstack([X, Y])),
    case("vstack", lambda o: o.vstack([X, Y])),
    case("dstack", lambda o: o.dstack([X, Y])),
    case("dstack_vectors", lambda o: o.dstack([X[0], Y[0]])),
    case("stack", lambda o: o.stack([X, Y], axis=1)),
    case("fliplr", lambda o: o.fliplr(X)),
    case("flipud", lambda o: o.flipud(X)),
    *[case(f"rot90_{k}", lambda o, k=k: o.rot90(X, k)) for k in (1, 2, 3)],
    case("rot90_axes", lambda o: o.rot90(CUBE, 1, (1, 2))),
    case("roll", lambda o: o.roll(X, 2, axis=1)),
    case("tile", lambda o: o.tile(X, (2, 3))),
    case("repeat", lambda o: o.repeat(X, 2, axis=1)),
    case("pad", lambda o: o.pad(X, ((1, 0), (2, 1)), constant_values=3.0)),
    case("pad_reflect", lambda o: o.pad(X, ((1, 2), (2, 1)), mode="reflect")),
    case("moveaxis", lambda o: o.moveaxis(CUBE, 0, -1)),
    case("swapaxes", lambda o: o.swapaxes(CUBE, 0, 2)),
    case("squeeze_expand", lambda o: o.squeeze(o.expand_dims(X, (0, 2)), 2)),
    case("tri", lambda o: o.tri(3, 4, 1)),
    case("tril", lambda o: o.tril(X, -1)),
    case("triu", lambda o: o.triu(X, 1)),
    case("eye", lambda o: o.eye(3, 4, 1)),
    case("one_hot", lambda o: o.one_hot(INTS, 9)),
    case("multi_hot", lambda o: o.multi_hot(INTS, 9)),
    case("logspace", lambda o: o.logspace(0.0, 2.0, 5), rtol=1e-4),
    case("geomspace", lambda o: o.geomspace(1.0, 100.0, 5), rtol=1e-4),
    case("linspace", lambda o: o.linspace(0.0, 2.0, 5)),
    *[
        case(name, lambda o, name=name: getattr(o, name)(7), atol=1e-6)
        for name in ("bartlett", "blackman", "hamming", "hanning")
    ],
    case("kaiser", lambda o: o.kaiser(7, 4.0), rtol=1e-4),
    case("space_to_depth", lambda o: o.space_to_depth(IMAGE, 2)),
    case("depth_to_space", lambda o: o.depth_to_space(IMAGE, 2)),
    case("cdist", lambda o: o.cdist(X, Y[:3]), rtol=1e-4),
    case("psnr", lambda o: o.psnr(X, Y, 4.0)),
    case("dot_product_attention", lambda o: o.dot_product_attention(IMAGE, IMAGE, IMAGE)),
    case(
        "dot_product_attention_causal",
        lambda o: o.dot_product_attention(IMAGE, IMAGE, IMAGE, is_causal=True, scale=0.3),
    ),
    case(
        "dot_product_attention_bias", lambda o: o.dot_product_attention(IMAGE, IMAGE, IMAGE, bias=numbers((2, 6, 4, 4)))
    ),
]
