"""Writes tests/parity/values/FAMILY.npz from Keras itself: see harness.py.

    KERAS_BACKEND=jax python tests/parity/generate.py [FAMILY...]       (all families if none is named)

The committed values come from Keras 3.15.1 on JAX 0.10.2.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

if __name__ == "__main__":
    families = sys.argv[1:] or sorted(path.stem for path in (HERE / "cases").glob("*.py"))
    for family in families:
        cases = importlib.import_module(f"parity.cases.{family}").CASES
        values: dict[str, np.ndarray] = {}
        for case in cases:
            for key, array in case.run(keras).items():
                values[f"{case.name}/{key}"] = np.asarray(array)
        np.savez_compressed(HERE / "values" / f"{family}.npz", **values)  # type: ignore[arg-type]
        print(f"{family}: {len(cases)} cases, {len(values)} arrays")
