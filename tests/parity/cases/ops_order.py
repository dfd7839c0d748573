"""Operations: order, running sums, segments, picking and putting, control flow, einsum, linear algebra."""

import numpy as np
from parity.harness import ValueCase, integers, numbers

X, Y = numbers((4, 5)), numbers((4, 5), 1)
TIES = np.round(2 * numbers((3, 8), 2))
CUBE = numbers((2, 3, 4), 3)
SPD = numbers((4, 4), 4) @ numbers((4, 4), 4).T + 4 * np.eye(4, dtype=np.float32)
HOLES = X.copy()
HOLES[0, 1] = HOLES[2, 3] = HOLES[2, 4] = np.nan
IDS = integers((6,), 4)
ROWS = numbers((6, 3), 5)
IMAGE = numbers((2, 4, 6, 8), 6)


def case(name, function, **kwargs):
    return ValueCase(name, lambda k: function(k.ops), **kwargs)


def floats(values):
    return [np.asarray(v, np.float32) for v in values]


CASES = [
    case("sort", lambda o: o.sort(X)),
    case("sort_axis", lambda o: o.sort(CUBE, axis=1)),
    case("sort_axis_none", lambda o: o.sort(X, axis=None)),
    case("sort_ints", lambda o: o.sort(integers((3, 9), 20))),
    case("sort_nan", lambda o: o.sort(HOLES)),
    case("argsort_ties", lambda o: o.argsort(TIES)),
    case("argsort_axis_0", lambda o: o.argsort(TIES, axis=0)),
    case("top_k", lambda o: floats(o.top_k(X, 3))),
    case("top_k_ties", lambda o: floats(o.top_k(TIES, 5))),
    case("in_top_k", lambda o: o.in_top_k(np.array([0, 1, 4, 2]), X, 2)),
    case("median", lambda o: o.median(X)),
    case("median_axis", lambda o: o.median(CUBE, axis=(0, 2), keepdims=True)),
    case("quantile", lambda o: o.quantile(X, 0.3, axis=1)),
    case("quantile_several", lambda o: o.quantile(CUBE, np.array([0.1, 0.5, 1.0], np.float32), axis=-1)),
    case("quantile_lower", lambda o: o.quantile(X, 0.3, axis=0, method="lower")),
    case("quantile_higher", lambda o: o.quantile(X, 0.3, axis=0, method="higher")),
    case("quantile_nearest", lambda o: o.quantile(X, 0.3, axis=1, method="nearest")),
    case("quantile_midpoint", lambda o: o.quantile(X, 0.3, axis=0, method="midpoint")),
    case("percentile", lambda o: o.percentile(X, 75)),
    case("searchsorted", lambda o: o.searchsorted(np.array([1.0, 2, 2, 5]), np.array([0.0, 2, 3, 9]))),
    case(
        "searchsorted_right",
        lambda o: o.searchsorted(np.array([1.0, 2, 2, 5]), np.array([[0.0, 2], [3, 9]]), side="right"),
    ),
    case("digitize", lambda o: o.digitize(X, np.array([-1.0, 0.0, 1.0], np.float32))),
    case("isin", lambda o: o.isin(TIES, np.array([-1.0, 2.0], np.float32))),
    case("isin_invert", lambda o: o.isin(TIES, np.array([-1.0, 2.0], np.float32), invert=True)),
    case("bincount", lambda o: o.bincount(IDS, minlength=6)),
    case("bincount_weights", lambda o: o.bincount(IDS, weights=ROWS[:, 0], minlength=6)),
    case("histogram", lambda o: floats(o.histogram(X.ravel(), bins=4))),
    case("histogram_range", lambda o: floats(o.histogram(X.ravel(), bins=5, range=(-1.0, 1.0)))),
    case("unique", lambda o: o.unique(TIES)),
    case("nonzero", lambda o: floats(o.nonzero(TIES))),
    case("cumsum", lambda o: o.cumsum(X, axis=1)),
    case("cumsum_none", lambda o: o.cumsum(X)),
    case("cumsum_ints", lambda o: o.cumsum(IDS)),
    case("cumprod", lambda o: o.cumprod(X, axis=0)),
    case("cumprod_last", lambda o: o.cumprod(CUBE, axis=-1)),
    case("diff", lambda o: o.diff(X)),
    case("diff_twice", lambda o: o.diff(CUBE, n=2, axis=1)),
    case("trapezoid", lambda o: o.trapezoid(X, dx=0.5)),
    case("trapezoid_x", lambda o: o.trapezoid(X, x=np.array([0.0, 1, 3, 4, 7], np.float32))),
    case("associative_scan", lambda o: o.associative_scan(o.add, X, axis=1)),
    case("associative_scan_reverse", lambda o: o.associative_scan(o.multiply, X, axis=0, reverse=True)),
    case("nansum", lambda o: o.nansum(HOLES, axis=1)),
    case("nanmean", lambda o: o.nanmean(HOLES, axis=1)),
    case("nanmax", lambda o: o.nanmax(HOLES, axis=0)),
    case("nanmin", lambda o: o.nanmin(HOLES)),
    case("nanprod", lambda o: o.nanprod(HOLES, axis=0, keepdims=True)),
    case("nanvar", lambda o: o.nanvar(HOLES, axis=1)),
    case("nanstd", lambda o: o.nanstd(HOLES)),
    case("nanargmax", lambda o: o.nanargmax(HOLES, axis=1)),
    case("nanargmin", lambda o: o.nanargmin(HOLES, axis=0)),
    case("nancumsum", lambda o: o.nancumsum(HOLES, axis=1)),
    case("nancumprod", lambda o: o.nancumprod(HOLES, axis=1)),
    case("segment_sum", lambda o: o.segment_sum(ROWS, IDS, num_segments=5)),
    case("segment_max", lambda o: o.segment_max(ROWS, IDS, num_segments=4)),
    case("segment_min", lambda o: o.segment_min(ROWS, IDS, num_segments=4)),
    case("segment_prod", lambda o: o.segment_prod(ROWS, IDS, num_segments=4)),
    case("scatter", lambda o: o.scatter(np.array([[0, 1], [2, 0], [0, 1]]), ROWS[:3, 0], (3, 2))),
    case("scatter_rows", lambda o: o.scatter(np.array([[0], [2]]), ROWS[:2], (4, 3))),
    case("scatter_update", lambda o: o.scatter_update(X, np.array([[0, 1], [3, 4]]), np.array([7.0, 8.0], np.float32))),
    case("slice_update", lambda o: o.slice_update(X, (1, 2), np.full((2, 3), 9.0, np.float32))),
    case("take_along_axis", lambda o: o.take_along_axis(X, np.argsort(X, 1), axis=1)),
    case("take_along_axis_0", lambda o: o.take_along_axis(X, np.array([[0, 1, 2, 3, -1]]), axis=0)),
    case("take_negative", lambda o: o.take(X, np.array([-1, 0, -2]), axis=1)),
    case("extract_sequences", lambda o: o.extract_sequences(numbers((2, 9), 7), 4, 2)),
    case("unravel_index", lambda o: floats(o.unravel_index(np.array([0, 5, 11, 7]), (3, 4)))),
    case(
        "cond",
        lambda o: o.cond(o.any(o.convert_to_tensor(X) > 1), lambda: o.convert_to_tensor(X), lambda: o.zeros((4, 5))),
    ),
    case("switch", lambda o: o.switch(1, [lambda x: x + 1, lambda x: x * 2, lambda x: x - 1], o.convert_to_tensor(X))),
    case("scan", lambda o: floats(o.scan(lambda c, x: (c + x, c * x), o.zeros((5,)), o.convert_to_tensor(X)))),
    case(
        "scan_reverse",
        lambda o: floats(o.scan(lambda c, x: (c + x, c), o.zeros((5,)), o.convert_to_tensor(X), reverse=True)),
    ),
    case("map", lambda o: o.map(lambda x: o.sum(x * x), o.convert_to_tensor(X))),
    case("vectorized_map", lambda o: o.vectorized_map(lambda x: o.sum(x * x), o.convert_to_tensor(X))),
    case("fori_loop", lambda o: o.fori_loop(0, 4, lambda i, v: v * 2 + i, o.convert_to_tensor(X))),
    case(
        "while_loop",
        lambda o: floats(o.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, o.convert_to_tensor(X)))),
    ),
    case("einsum", lambda o: o.einsum("ij,kj->ik", X, Y)),
    case("einsum_ellipsis", lambda o: o.einsum("...ij,jk->...ik", CUBE, numbers((4, 2)))),
    case("einsum_diagonal", lambda o: o.einsum("ii->i", SPD)),
    case("einsum_trace", lambda o: o.einsum("ii", SPD)),
    case("einsum_three", lambda o: o.einsum("ab,cb,cd->ad", X, Y, numbers((4, 3)))),
    case("einsum_implicit", lambda o: o.einsum("ab,cb", X, Y)),
    case("diagonal", lambda o: o.diagonal(X, offset=1)),
    case("diagonal_axes", lambda o: o.diagonal(CUBE, offset=-1, axis1=1, axis2=2)),
    case("diag_vector", lambda o: o.diag(X[0], k=-1)),
    case("diag_matrix", lambda o: o.diag(X, k=2)),
    case("diagflat", lambda o: o.diagflat(X[:2, :2], k=1)),
    case("trace", lambda o: o.trace(CUBE, axis1=1, axis2=2)),
    case("inner", lambda o: o.inner(X, Y)),
    case("kron", lambda o: o.kron(X[:2, :2], Y[:2])),
    case("cross", lambda o: o.cross(X[:, :3], Y[:, :3])),
    case("vander", lambda o: o.vander(X[0], 3)),
    case("corrcoef", lambda o: o.corrcoef(X)),
    case("cholesky", lambda o: o.cholesky(SPD), rtol=1e-4),
    case("det", lambda o: o.det(SPD), rtol=1e-4),
    case("inv", lambda o: o.inv(SPD), rtol=1e-4, atol=1e-5),
    case("solve", lambda o: o.solve(SPD, X), rtol=1e-4, atol=1e-5),
    case("solve_vector", lambda o: o.solve(SPD, X[:, 0]), rtol=1e-4, atol=1e-5),
    case("solve_triangular", lambda o: o.solve_triangular(SPD, X, lower=True), rtol=1e-4, atol=1e-5),
    case("slogdet", lambda o: floats(o.slogdet(SPD)), rtol=1e-4),
    case("svd_values", lambda o: o.svd(X, compute_uv=False), rtol=1e-4),
    case("eigh_values", lambda o: o.eigh(SPD)[0], rtol=1e-4),
    case("linalg_norm", lambda o: o.linalg.norm(X, ord=1, axis=1)),
]
