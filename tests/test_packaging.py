"""What pip installs: three requirements, one self-contained extension, the data files, and no surprise at import.

These tests look at the installed package, wheel or editable. Choices made once per process (LINNET_ISA,
LINNET_NUM_THREADS, what an import pulls in) are tested in processes of their own.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import pytest

import linnet
from linnet import _engine


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` in a fresh interpreter without this process's LINNET_ variables."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LINNET_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def answer(code: str, **environment: str) -> str:
    done = run_python(code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---- metadata -------------------------------------------------------------------------------------------------------


def test_requires_three_packages_and_nothing_else() -> None:
    required = [line for line in metadata.requires("linnet") or [] if "extra ==" not in line]
    assert sorted(re.split(r"[\s<>=!~;]", line)[0] for line in required) == ["numpy", "safetensors", "tqdm"]


def test_version_is_that_of_the_distribution() -> None:
    assert linnet.__version__ == metadata.version("linnet")


def test_command_line_entry() -> None:
    entries = metadata.entry_points(group="console_scripts", name="linnet")
    assert [entry.value for entry in entries] == ["linnet.cli:main"]
    assert callable(next(iter(entries)).load())


@pytest.mark.parametrize("file", ["py.typed", "_engine.pyi", "datasets/digits.npz", "datasets/digits.LICENSE.txt"])
def test_data_file_is_installed(file: str) -> None:
    assert resources.files("linnet").joinpath(file).is_file()


# ---- the extension --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf (binutils)")
def test_extension_is_self_contained_and_exports_only_its_entry() -> None:
    dynamic = subprocess.run(["readelf", "-Wd", _engine.__file__], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic)
    assert {name.split(".so")[0] for name in needed} <= {
        "libc",
        "libm",
        "libpthread",
        "ld-linux-x86-64",
        "ld-linux-aarch64",
    }
    assert "TEXTREL" not in dynamic
    table = subprocess.run(
        ["readelf", "-W", "--dyn-syms", _engine.__file__], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in table.splitlines() if re.match(r"\s*\d+:", line)]
    exported = {row[7] for row in rows if len(row) >= 8 and row[4] != "LOCAL" and row[6] != "UND"}
    assert exported == {"PyInit__engine"}


def test_extension_is_small() -> None:
    assert Path(_engine.__file__).stat().st_size <= 12_000_000  # unpacked; .ci/run holds the wheel under 5 MB


# ---- import ---------------------------------------------------------------------------------------------------------


def test_import_pulls_in_no_optional_package() -> None:
    heavy = {
        "matplotlib",
        "PIL",
        "sklearn",
        "scipy",
        "pandas",
        "torch",
        "onnx",
        "keras",
        "tensorflow",
        "pytest",
        "hypothesis",
    }
    loaded = answer("import linnet, sys; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert "numpy" in loaded
    assert heavy & set(loaded) == set()


def test_import_starts_no_thread() -> None:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("needs /proc")
    code = "import os, linnet; print(os.listdir('/proc/self/task').__len__())"
    # NumPy's BLAS starts threads of its own unless it is told not to.
    assert answer(code, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1") == "1"


# ---- what the environment decides -----------------------------------------------------------------------------------


def test_best_instruction_set_is_chosen() -> None:
    assert answer("from linnet import _engine as e; print(e.isa())") == _engine.available_isas()[0]


@pytest.mark.parametrize("isa", _engine.available_isas())
def test_environment_forces_instruction_set(isa: str) -> None:
    code = "from linnet import _engine as e; print(e.isa())"
    assert answer(code, LINNET_ISA=isa) == isa
    if isa.startswith("x86-64-"):
        assert answer(code, LINNET_ISA=isa.removeprefix("x86-64-")) == isa


def test_unknown_instruction_set_is_an_error_that_lists_the_known() -> None:
    done = run_python("from linnet import _engine as e; e.isa()", LINNET_ISA="avx9")
    assert done.returncode != 0
    assert "avx9" in done.stderr
    assert "reference" in done.stderr
    with pytest.raises(ValueError, match="avx9"):
        _engine.set_isa("avx9")


def test_environment_sets_threads() -> None:
    code = "from linnet import _engine as e; print(e.num_threads(), e.default_num_threads())"
    assert answer(code, LINNET_NUM_THREADS="3") == "3 (3, 'LINNET_NUM_THREADS')"
    done = run_python(code, LINNET_NUM_THREADS="many")
    assert done.returncode != 0
    assert "LINNET_NUM_THREADS" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_default_threads_respect_affinity() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from linnet import _engine as e; print(e.num_threads())"
    assert answer(code) == "1"


def test_set_num_threads_checks_its_argument() -> None:
    before = _engine.num_threads()
    for bad in (0, -1, 100_000):
        with pytest.raises(ValueError, match="number of threads"):
            _engine.set_num_threads(bad)
    assert _engine.num_threads() == before
