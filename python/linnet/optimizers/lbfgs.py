"""L-BFGS: the quasi-Newton method for problems whose whole data fits into every step (Liu & Nocedal, 1989).

Newton's method divides the gradient by the curvature of the loss in all directions. L-BFGS learns that curvature from
the last `history` steps s and changes of the gradient y alone, with two short loops and no matrix; then a line search
finds a step that satisfies the strong Wolfe conditions (Nocedal & Wright, 2006, algorithms 3.5 and 3.6):

    f(x + a d) <= f(x) + c1 a g.d              the loss falls enough
    |g(x + a d).d| <= c2 |g.d|                 and is nearly flat along d afterwards

For linear and logistic regression and other small smooth problems it needs tens of evaluations where SGD needs
thousands of steps. It is no optimizer for compile: minibatches would make the differences of gradients worthless.
All vectors are float64; `fit` evaluates the model in float32, so its line search forgives that much noise.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]


class LBFGSResult(NamedTuple):
    """Where a minimisation ended, and how."""

    x: np.ndarray
    value: float
    gradient: np.ndarray
    iterations: int
    evaluations: int
    converged: bool
    message: str
    values: list[float]  # at the start and after every iteration


class _Point(NamedTuple):
    """One evaluation along the line."""

    step: float
    value: float
    slope: float
    gradient: np.ndarray


class LBFGS:
    """Limited-memory BFGS.

    history: how many steps are remembered.
    gradient_tolerance: ends when no component of the gradient is larger.
    value_tolerance: ends when an iteration lowers the value by no more than this share of it.
    c1, c2: of the Wolfe conditions, 0 < c1 < c2 < 1.
    max_line_search: evaluations in one line search.
    """

    def __init__(
        self,
        max_iterations: int = 200,
        history: int = 10,
        gradient_tolerance: float = 1e-5,
        value_tolerance: float = 1e-9,
        c1: float = 1e-4,
        c2: float = 0.9,
        max_line_search: int = 25,
    ) -> None:
        if max_iterations < 0 or history < 1 or max_line_search < 1:
            raise ValueError("max_iterations, history and max_line_search must be positive")
        if not 0 < c1 < c2 < 1:
            raise ValueError(f"c1 and c2 must satisfy 0 < c1 < c2 < 1, got {c1!r} and {c2!r}")
        self.max_iterations = max_iterations
        self.history = history
        self.gradient_tolerance = gradient_tolerance
        self.value_tolerance = value_tolerance
        self.c1 = c1
        self.c2 = c2
        self.max_line_search = max_line_search

    def minimize(self, function: Function, start: Any, noise: float = 0.0) -> LBFGSResult:
        """Minimises function(x) -> (value, gradient) from `start`. noise: the relative error of its values."""
        x = np.array(start, np.float64).reshape(-1)
        evaluations = 0

        def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal evaluations
            evaluations += 1
            value, gradient = function(point)
            return float(value), np.asarray(gradient, np.float64).reshape(-1)

        value, gradient = evaluate(x)
        values, remembered = [value], deque[tuple[np.ndarray, np.ndarray]](maxlen=self.history)
        iterations, converged, message = 0, False, "max_iterations reached"
        if not math.isfinite(value) or not np.isfinite(gradient).all():
            raise ValueError(f"LBFGS: the value {value} or its gradient is not finite at the start")
        while True:
            if np.abs(gradient).max(initial=0.0) <= self.gradient_tolerance:
                converged, message = True, "the gradient is small enough"
                break
            if iterations == self.max_iterations:
                break
            direction = -_times_inverse_curvature(gradient, remembered)
            slope = float(gradient @ direction)
            if not slope < 0:  # the remembered curvature is of no use here
                remembered.clear()
                direction, slope = -gradient, -float(gradient @ gradient)
            # Nothing is known of the scale before the first step.
            first = 1.0 if remembered else min(1.0, 1.0 / float(np.abs(gradient).sum()))

            def along(step: float, origin: np.ndarray = x, d: np.ndarray = direction) -> _Point:
                found, g = evaluate(origin + step * d)
                return _Point(step, found, float(g @ d), g)

            point = self._line_search(along, _Point(0.0, value, slope, gradient), first, noise * abs(value))
            if point is None:
                if remembered:
                    remembered.clear()
                    continue
                message = "no step lowers the value any more"
                break
            s, y = point.step * direction, point.gradient - gradient
            if float(s @ y) > 1e-12 * float(np.linalg.norm(s) * np.linalg.norm(y)):
                remembered.append((s, y))
            x = x + s
            fell = value - point.value
            value, gradient = point.value, point.gradient
            values.append(value)
            iterations += 1
            if fell <= self.value_tolerance * max(abs(value), abs(value + fell)):
                converged, message = True, "the value does not fall any more"
                break
        return LBFGSResult(x, value, gradient, iterations, evaluations, converged, message, values)

    def fit(
        self, model: Any, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None
    ) -> LBFGSResult:
        """Trains a compiled model on all data at once; its optimizer is not used. batch_size: rows run at a time."""
        from linnet.models.full_batch import FullBatchObjective

        objective = FullBatchObjective(model, x, y, sample_weight, batch_size)
        result = self.minimize(objective, objective.start, noise=2.0**-22)
        objective.assign(result.x)
        return result

    # ---- the line search ---------------------------------------------------------------------------------------------

    def _falls(self, point: _Point, start: _Point, slack: float) -> bool:
        return point.value <= start.value + self.c1 * point.step * start.slope + slack

    def _flat(self, point: _Point, start: _Point) -> bool:
        return abs(point.slope) <= -self.c2 * start.slope

    def _line_search(
        self, along: Callable[[float], _Point], start: _Point, first: float, slack: float
    ) -> _Point | None:
        """A point that satisfies both conditions; else the best that lowers the value; else None."""
        before, step = start, first
        for used in range(1, self.max_line_search + 1):
            point = along(step)
            falls = self._falls(point, start, slack)  # not so for NaN
            if not falls or (used > 1 and point.value >= before.value + slack):
                return self._zoom(along, start, before, point, slack, self.max_line_search - used)
            if self._flat(point, start):
                return point
            if point.slope >= 0:
                return self._zoom(along, start, point, before, slack, self.max_line_search - used)
            before, step = point, 2.0 * step
        return before

    def _zoom(
        self, along: Callable[[float], _Point], start: _Point, low: _Point, high: _Point, slack: float, left: int
    ) -> _Point | None:
        """Narrows an interval that has such a point. low: the better end, from which the value falls towards high."""
        for _ in range(left):
            point = along(_between(low, high))
            if not self._falls(point, start, slack) or point.value >= low.value + slack:
                high = point
            else:
                if self._flat(point, start):
                    return point
                if point.slope * (high.step - low.step) >= 0:
                    high = low
                low = point
            if abs(high.step - low.step) <= 1e-12 * max(abs(low.step), abs(high.step)):
                break
        return low if low.step > 0 and low.value <= start.value else None


def _between(low: _Point, high: _Point) -> float:
    """Where the cubic through both ends has its minimum, kept off the ends; the middle if it has none."""
    width = high.step - low.step
    theta = low.slope + high.slope - 3.0 * (high.value - low.value) / width if width else math.nan
    squared = theta * theta - low.slope * high.slope
    share = 0.5
    if math.isfinite(squared) and squared >= 0:
        root = math.copysign(math.sqrt(squared), width)
        below = high.slope - low.slope + 2.0 * root
        if below:
            share = 1.0 - (high.slope + root - theta) / below
    return low.step + width * (min(max(share, 0.1), 0.9) if math.isfinite(share) else 0.5)


def _times_inverse_curvature(gradient: np.ndarray, remembered: deque[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The inverse of the remembered curvature times the gradient (Nocedal & Wright, algorithm 7.4)."""
    q, factors = gradient.copy(), []
    for s, y in reversed(remembered):
        factor = float(s @ q) / float(s @ y)
        factors.append(factor)
        q -= factor * y
    if remembered:
        s, y = remembered[-1]
        q *= float(s @ y) / float(y @ y)
    for (s, y), factor in zip(remembered, reversed(factors), strict=True):
        q += (factor - float(y @ q) / float(s @ y)) * s
    return q
