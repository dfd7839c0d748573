"""Every operation of the registry is checked somewhere, and what the registry refuses is refused with a reason."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from engine.check_op import Check

from linnet import _engine as E


def modules() -> list[ModuleType]:
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name == Path(__file__).name:
            continue
        spec = importlib.util.spec_from_file_location(f"_cases_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module)
    return found


MODULES = modules()
CASES = [case for module in MODULES for case in getattr(module, "CASES", ())]


def test_every_operation_has_a_case() -> None:
    checked = {case.op for case in CASES}
    checked |= {op for case in CASES for op in case.covers}
    checked |= {op for module in MODULES for op in getattr(module, "CHECKED", ())}
    assert checked == set(E.operations())


def has_gradient(op: str) -> bool:
    """Whether any case of the operation passes a gradient on, whatever the case expects."""
    return any(g >= 0 for case in CASES if case.op == op for g in Check(case).gradients)


def test_every_gradient_is_checked() -> None:
    differentiable = {case.op for case in CASES if case.differentiable}
    for op in sorted({case.op for case in CASES}):
        assert has_gradient(op) == (op in differentiable), op


def test_cases_have_names_of_their_own() -> None:
    names = [str(case) + str(sorted(case.attributes.items())) for case in CASES]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


def test_the_registry_names_attributes_and_types() -> None:
    known = E.operations()
    assert known["conv2d"]["strides"] == "list of int"
    assert known["conv2d"]["groups"] == "int"
    assert known["dropout"]["rate"] == "float"
    assert known["cast"]["dtype"] == "str"
    assert known["matmul"]["trans_a"] == "bool"
    assert known["relu"] == {}
    assert {t for schema in known.values() for t in schema.values()} <= {"bool", "int", "float", "str", "list of int"}


def one_input() -> tuple[E.Graph, int]:
    graph = E.Graph()
    return graph, graph.input("x", (-1, 4), "float32")


@pytest.mark.parametrize(
    ("op", "attributes", "message"),
    [
        ("soft_max", {}, "unknown operation 'soft_max'"),
        ("pointwise", {}, "unknown operation 'pointwise'"),
        ("relu", {"alpha": 0.1}, "relu \"a\": unknown attribute 'alpha'; it takes none"),
        ("sum", {"axis": [0]}, "sum \"a\": unknown attribute 'axis'; it takes axes, keepdims"),
        ("sum", {}, "sum \"a\": attribute 'axes' is missing; it takes axes, keepdims"),
        ("sum", {"axes": 1}, "sum \"a\": attribute 'axes' must be list of int, got int"),
        ("sum", {"axes": [1], "keepdims": "yes"}, "attribute 'keepdims' must be bool, got str"),
        ("dropout", {"rate": "half", "stream": 0}, "attribute 'rate' must be float, got str"),
        ("dropout", {"rate": 0.5, "stream": 1.5}, "attribute 'stream' must be int, got float"),
        ("argmax", {"axis": [0]}, "attribute 'axis' must be int, got list of int"),
        ("sum", {"axes": [0.5]}, "attribute 'axes' must be a bool, int, float, str or list of int, got"),
        ("sum", {"axes": None}, "attribute 'axes' must be a bool, int, float, str or list of int, got None"),
        ("argmax", {"axis": 2**70}, "attribute 'axis' must be a bool, int, float, str or list of int, got"),
        ("sum", {"axes": [2**70]}, "attribute 'axes' must be a bool, int"),
    ],
)
def test_bad_nodes(op: str, attributes: dict[str, Any], message: str) -> None:
    graph, x = one_input()
    before = graph.dump()
    with pytest.raises(ValueError) as error:
        graph.add(op, [x], attributes, "a")
    assert message in str(error.value)
    assert graph.dump() == before


def test_harmless_conversions_of_attributes() -> None:
    graph, x = one_input()
    graph.add("dropout", [x], {"rate": 1, "stream": True})
    assert graph.shape(graph.add("sum", [x], {"axes": (1,), "keepdims": 1})[0]) == (-1, 1)


@pytest.mark.parametrize("value", [-1, 1, 99])
def test_unknown_values(value: int) -> None:
    graph, x = one_input()
    for use in (
        lambda: graph.add("add", [x, value], {}),
        lambda: graph.shape(value),
        lambda: graph.dtype(value),
        lambda: graph.assign(value, x),
        lambda: graph.gradients(value, [x]),
        lambda: E.Executable(graph, [value], 1),
    ):
        with pytest.raises(ValueError, match=f"there is no value {value} in this graph"):
            use()


def test_bad_values() -> None:
    graph, x = one_input()
    with pytest.raises(ValueError, match='dtype must be "float32" or "int32", got "float64"'):
        graph.input("y", (3,), "float64")
    with pytest.raises(E.ShapeError, match="variable 'v': a variable cannot have the batch size in its shape"):
        graph.variable("v", (-1, 3))
    with pytest.raises(ValueError, match=r"the loss must be a float32 scalar, got float32\(n, 4\)"):
        graph.gradients(x, [x])
