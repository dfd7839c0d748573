"""The shape of the house: which room may know which, how long a file may be, and that every stem has its test.

These rules are what lets a reader open one file and trust the rest. They are about the source tree, so the whole file
is skipped where only the tests were unpacked.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CPP = ROOT / "cpp"
PYTHON = ROOT / "python" / "linnet"
TESTS = ROOT / "tests"

pytestmark = pytest.mark.skipif(not CPP.is_dir(), reason="needs a source checkout")


def sources(folder: Path, *patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.rglob(pattern) if "__pycache__" not in path.parts)


CPP_FILES = sources(CPP, "*.h", "*.cpp")
PYTHON_FILES = sources(PYTHON, "*.py")
TEST_FILES = sources(TESTS, "*.py", "*.h", "*.cpp")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- include direction ----------------------------------------------------------------------------------------------

MAY_INCLUDE = {
    "base": {"base"},
    "kernels": {"kernels"},
    "runtime": {"runtime", "kernels", "base"},
    "graph": {"graph", "runtime", "kernels", "base"},
    "ops": {"ops", "graph", "runtime", "kernels", "base"},
    "linnet": {"linnet", "graph", "runtime", "kernels", "base"},
    "bindings": {"bindings", "ops", "graph", "runtime", "kernels", "base"},
}
# What is installed for C++ programs, and may therefore show nothing of the engine.
PUBLIC_HEADERS = {f"linnet/{stem}.h" for stem in ("linnet", "model", "network", "runtime", "types")}
# From outside, the kernels are a table: their other headers belong to one instruction set.
KERNEL_HEADERS = {"kernels/kernels.h"}
KERNEL_HEADERS_OF = {"cpp/runtime/random.cpp": {"kernels/philox.h"}}
# Kernel files use nothing of the standard library that becomes a weak symbol (cpp/kernels/isa.h).
KERNEL_SYSTEM_HEADERS = {"cmath", "cstddef", "cstdint", "cstring", "limits", "type_traits", "utility"}


@pytest.mark.parametrize("path", CPP_FILES, ids=name)
def test_includes_point_downwards(path: Path) -> None:
    room = path.relative_to(CPP).parts[0]
    text = path.read_text()
    for header in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
        assert (CPP / header).is_file(), f"{name(path)} includes {header}: write the path from cpp/"
        other = header.split("/")[0]
        assert other in MAY_INCLUDE[room], f"{name(path)} includes {header}: {room} must not know {other}"
        if str(path.relative_to(CPP)) in PUBLIC_HEADERS:
            assert header in PUBLIC_HEADERS, f"{name(path)} is installed and includes {header}, which is not"
        if other == "kernels" and room != "kernels":
            allowed = KERNEL_HEADERS | KERNEL_HEADERS_OF.get(name(path), set())
            assert header in allowed, f"{name(path)} includes {header}: outside cpp/kernels only kernels.h is known"
    if room == "kernels":
        system = set(re.findall(r"^#include <([^>]+)>", text, re.MULTILINE))
        assert system <= KERNEL_SYSTEM_HEADERS, f"{name(path)} includes {system - KERNEL_SYSTEM_HEADERS}"


# ---- size and opening -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CPP_FILES + PYTHON_FILES + TEST_FILES, ids=name)
def test_file_is_short(path: Path) -> None:
    cap = 600 if (CPP / "kernels") in path.parents or TESTS in path.parents else 500
    lines = len(path.read_text().splitlines())
    assert lines <= cap, f"{name(path)} has {lines} lines, the cap is {cap}: split it by concept"


@pytest.mark.parametrize("path", CPP_FILES + PYTHON_FILES, ids=name)
def test_file_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    if not text.strip():
        return  # an empty __init__.py or py.typed
    if path.suffix == ".py":
        opening = re.match(r'"""(.*?)"""', text, re.DOTALL)
        assert opening, f"{name(path)} does not begin with a docstring"
    else:
        opening = re.match(r"((?://.*\n)+)", text)
        assert opening, f"{name(path)} does not begin with a comment"
    if len(text.splitlines()) > 150:
        lines = opening[1].strip().count("\n") + 1
        assert lines >= 3, f"{name(path)} is long: three lines or more at its top should say what it is"


# ---- a test for every stem ------------------------------------------------------------------------------------------

# Where the sources of a folder are tested. A stem `a_b_c` is covered by test_a_b_c, test_a_b or test_a: the parts of a
# concept that needs several files share its test.
TESTED_IN = {
    CPP / "kernels": (TESTS / "cpp", ".cpp"),
    CPP / "runtime": (TESTS / "cpp", ".cpp"),
    CPP / "graph": (TESTS / "cpp", ".cpp"),
    CPP / "base": (TESTS / "cpp", ".cpp"),
    CPP / "linnet": (TESTS / "cpp", ".cpp"),
    CPP / "ops": (TESTS / "engine" / "ops", ".py"),
    PYTHON / "layers": (TESTS / "layers", ".py"),
}
# Stems tested under another name: the oracle and the table, for instance, by every kernel test.
TESTED_BY = {
    "cpp/kernels/reference": "test_dispatch",
    "cpp/kernels/table": "test_dispatch",
    "cpp/runtime/cpu": "test_dispatch",
    "cpp/runtime/default_threads": "test_threads",
    "cpp/graph/pointwise": "test_fuse",
    "python/linnet/layers/lstm": "test_recurrent",
    "python/linnet/layers/gru": "test_recurrent",
    "python/linnet/layers/conv_lstm1d": "test_conv_lstm",
    "python/linnet/layers/conv_lstm2d": "test_conv_lstm",
    "python/linnet/layers/simple_rnn": "test_recurrent",
}


def stems() -> list[Path]:
    found = []
    for folder in TESTED_IN:
        found += [path for path in sources(folder, "*.cpp", "*.py") if path.stem != "__init__"]
    return found


@pytest.mark.parametrize("path", stems(), ids=name)
def test_stem_has_a_test(path: Path) -> None:
    folder, (tests, suffix) = next((f, t) for f, t in TESTED_IN.items() if f in path.parents)
    parts = path.stem.split("_")
    prefixes = ["_".join(parts[:n]) for n in range(len(parts), 0, -1)]
    wanted = [TESTED_BY.get(f"{name(folder)}/{prefix}", f"test_{prefix}") for prefix in prefixes]
    existing = {test.stem for test in sources(tests, f"test_*{suffix}")}
    assert existing & set(wanted), f"{name(path)} has no test: expected {name(tests)}/{wanted[0]}{suffix}"


def test_tested_by_names_exist() -> None:
    for source in TESTED_BY:
        folder, stem = source.rsplit("/", 1)
        assert list((ROOT / folder).glob(f"{stem}*")), f"TESTED_BY names {source}, which does not exist"


# ---- the repository -------------------------------------------------------------------------------------------------


def test_nothing_built_is_committed() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("git does not answer here")
    built = re.compile(r"\.(so|o|a|pyc|whl)$|(^|/)(build|dist|__pycache__)/")
    assert [path for path in listed.stdout.splitlines() if built.search(path)] == []
