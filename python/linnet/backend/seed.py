"""The global seed. Everything random comes from it: initial weights, shuffling, dropout.

`set_seed(n)` starts all over. Without it, the seed is drawn from the system once per process. From the seed come two
independent counters: `draw_seed` numbers the initializers (and whoever else wants a seed of its own), and
`eager_counter` the runs of random operations outside of `fit`, which gives the engine's counter-based generator
(seed, step, node, element).
"""

import os

_MASK = (1 << 64) - 1


class _State:
    seed: int | None = None
    drawn = 0
    runs = 0


def set_seed(seed: int) -> None:
    """Starts the random numbers again from this seed."""
    _State.seed = int(seed)
    _State.drawn = 0
    _State.runs = 0


def global_seed() -> int:
    """The seed of this process: as set, or drawn from the system at the first use."""
    if _State.seed is None:
        _State.seed = int.from_bytes(os.urandom(4), "little")
    return _State.seed


def draw_seed() -> int:
    """The next seed in [0, 2**31): follows from the global seed and the number of seeds drawn before."""
    _State.drawn += 1
    return _mix(global_seed(), _State.drawn) >> 33


def eager_counter() -> tuple[int, int]:
    """(seed, step) for one run outside of fit: every run gets other random numbers."""
    _State.runs += 1
    return global_seed(), _State.runs


def get_state() -> dict[str, int]:
    """The whole state, for a checkpoint."""
    return {"seed": global_seed(), "drawn": _State.drawn, "runs": _State.runs}


def set_state(state: dict[str, int]) -> None:
    """Continues from a state given by get_state."""
    _State.seed, _State.drawn, _State.runs = int(state["seed"]), int(state["drawn"]), int(state["runs"])


def _mix(seed: int, count: int) -> int:
    # splitmix64: neighbouring seeds and counts give unrelated results.
    z = (seed * 0x9E3779B97F4A7C15 + count * 0xD1B54A32D192ED03) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
