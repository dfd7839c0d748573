"""linnet's results against Keras's: every case of every family in cases/ (harness.py tells how they are made)."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from parity.harness import Case

import linnet

HERE = Path(__file__).resolve().parent
FAMILIES = sorted(path.stem for path in (HERE / "cases").glob("*.py"))
CASES = [(family, case) for family in FAMILIES for case in importlib.import_module(f"parity.cases.{family}").CASES]


@cache
def values(family: str) -> dict[str, np.ndarray]:
    with np.load(HERE / "values" / f"{family}.npz") as file:
        return dict(file)


@pytest.mark.parametrize(("family", "case"), CASES, ids=[f"{family}-{case.name}" for family, case in CASES])
def test_same_as_keras(family: str, case: Case) -> None:
    stored = values(family)
    found = case.run(linnet)
    expected = {key.removeprefix(f"{case.name}/"): v for key, v in stored.items() if key.startswith(f"{case.name}/")}
    assert expected, f"values/{family}.npz has nothing for {case.name!r}: run generate.py {family}"
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].shape == value.shape, key
        np.testing.assert_allclose(found[key], value, rtol=case.rtol, atol=case.atol, err_msg=key)


@pytest.mark.parametrize("family", FAMILIES)
def test_names_are_unique(family: str) -> None:
    names = [case.name for other, case in CASES if other == family]
    assert len(names) == len(set(names))
