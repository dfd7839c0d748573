"""What C++ programs get: the package that `cmake --install` lays down, and the examples built on it as a user would.

Building the library takes minutes, so these tests use one that is installed already; LINNET_CPP_PREFIX names where
(CONTRIBUTING.md has the two commands, .ci/run sets it). Only the examples are compiled here.
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support import samples

import linnet
from linnet import layers

PREFIX = os.environ.get("LINNET_CPP_PREFIX", "")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "cpp"

pytestmark = [
    pytest.mark.skipif(not PREFIX, reason="LINNET_CPP_PREFIX does not name an installed C++ package"),
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs a source checkout"),
]


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """The folder of the built examples."""
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake")
    build = tmp_path_factory.mktemp("examples")
    for command in (
        ["cmake", "-S", str(EXAMPLES), "-B", str(build), f"-DCMAKE_PREFIX_PATH={PREFIX}"],
        ["cmake", "--build", str(build)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return build


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def test_installs_headers_one_library_and_the_package_and_nothing_else():
    installed = sorted(str(path.relative_to(PREFIX)) for path in Path(PREFIX).rglob("*") if path.is_file())
    headers = [f"include/linnet/{stem}.h" for stem in ("linnet", "model", "network", "runtime", "types")]
    assert [path for path in installed if path.startswith("include/")] == headers
    others = {Path(path).name for path in installed if not path.startswith("include/")}
    assert {"liblinnet.a", "linnetConfig.cmake", "linnetConfigVersion.cmake", "linnetTargets.cmake"} <= others
    assert {name.removeprefix("linnetTargets-").removesuffix(".cmake") for name in others} >= {"release"}
    assert len(others) == 5


def test_headers_are_cpp17_without_warnings(tmp_path):
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    (tmp_path / "one.cpp").write_text(
        "#include <linnet/linnet.h>\nint main() { return linnet::operations().empty(); }\n"
    )
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
    done = run(compiler, *flags, "-I", f"{PREFIX}/include", tmp_path / "one.cpp")
    assert done.returncode == 0, done.stderr


def test_other_versions_are_refused(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake")
    text = "cmake_minimum_required(VERSION 3.24)\nproject(p LANGUAGES CXX)\nfind_package(linnet 99 REQUIRED)\n"
    (tmp_path / "CMakeLists.txt").write_text(text)
    done = run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={PREFIX}")
    assert done.returncode != 0
    assert linnet.__version__ in done.stderr


def test_xor_is_learnt(binaries):
    done = run(binaries / "xor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 xor 1 = 0.0" in done.stdout


# ---- models from Python ---------------------------------------------------------------------------------------------


def lenet5():
    return linnet.applications.LeNet5(), {"image": (28, 28, 1)}


def two_inputs():
    image, features = linnet.Input((6, 6, 2), name="image"), linnet.Input((5,), name="features")
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = layers.Add()([x, layers.Conv2D(4, 1)(x)])
    x = layers.AveragePooling2D(2)(x)
    x = layers.Concatenate()([layers.Flatten()(x), layers.Dense(7, activation="tanh")(features)])
    x = layers.Dropout(0.5)(x)
    digit = layers.Dense(3, activation="softmax", name="digit")(x)
    best = linnet.ops.argmax(digit, axis=-1)
    return linnet.Model([image, features], [digit, best]), {"image": (6, 6, 2), "features": (5,)}


def batch_norm():
    model = linnet.Sequential(
        [
            linnet.Input((8, 8, 3), name="image"),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    # Moving averages and scales other than those of a fresh layer.
    model.compile("adam", "mse")
    model.fit(samples((32, 8, 8, 3), 5), samples((32, 2), 6), epochs=2, batch_size=8, verbose=0)
    return model, {"image": (8, 8, 3)}


def integers_and_constants():
    ids = linnet.Input((4,), dtype="int32", name="ids")
    table = np.linspace(-1, 1, 60, dtype=np.float32).reshape(10, 6)
    x = linnet.ops.matmul(linnet.ops.one_hot(ids, 10), table)
    x = linnet.ops.clip(x * 3.0 - 0.25, -np.inf, 2.0)
    x = linnet.ops.transpose(x, (0, 2, 1))
    return linnet.Model(ids, linnet.ops.softmax(x)), {"ids": (4,)}


def recurrent():
    ids = linnet.Input((7,), dtype="int32", name="ids")
    x = layers.Embedding(10, 8, mask_zero=True)(ids)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(x)
    return linnet.Model(ids, layers.Dense(3)(layers.GRU(5)(x))), {"ids": (7,)}


@pytest.mark.parametrize("make", [lenet5, two_inputs, batch_norm, integers_and_constants, recurrent])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_predicts_the_bits_of_python(make, threads, binaries, tmp_path, monkeypatch):
    linnet.utils.set_random_seed(3)
    model, shapes = make()
    rows = 41  # more than one plan's capacity, and not a multiple of it
    data = {
        name: np.random.default_rng(1).integers(0, 10, (rows, *shape)).astype(np.int32)
        if name == "ids"
        else samples((rows, *shape), 2)
        for name, shape in shapes.items()
    }
    expected = model.predict(list(data.values()) if len(data) > 1 else next(iter(data.values())), verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    model.export(tmp_path / "model.graph")
    if make is lenet5:
        data = {model.inputs[0].name: data["image"]}
    save_file(data, tmp_path / "data.safetensors")
    monkeypatch.setenv("LINNET_NUM_THREADS", threads)
    done = run(binaries / "predict", tmp_path / "model.graph", tmp_path / "data.safetensors")
    assert done.returncode == 0, done.stderr
    parts = done.stdout.split("# output ")[1:]
    assert len(parts) == len(expected)
    for part, wanted in zip(parts, expected, strict=True):
        numbers = np.array(part.split("\n", 1)[1].split(), dtype=wanted.dtype).reshape(wanted.shape)
        np.testing.assert_array_equal(numbers, wanted)
        assert numbers.tobytes() == wanted.tobytes()


def test_wrong_files_are_an_error_with_a_message(binaries, tmp_path):
    model, _ = batch_norm()
    good, bad = tmp_path / "good.graph", tmp_path / "bad.graph"
    model.export(good)
    save_file({"image": samples((2, 8, 8, 3), 1)}, tmp_path / "data.safetensors")
    whole = good.read_bytes()

    def error(content, data="data.safetensors"):
        bad.write_bytes(content)
        done = run(binaries / "predict", bad, tmp_path / data)
        assert done.returncode == 1
        return done.stderr

    assert "truncated" in error(whole[:-1])
    assert "truncated" in error(whole[:100])
    assert "not a safetensors file" in error(b"PK\x03\x04" + whole)
    assert "no such operation" in error(whole.replace(b"conv2d", b"conv9d"))
    model.save(tmp_path / "saved.linnet")
    assert "model.export" in error((tmp_path / "saved.linnet").read_bytes())
    save_file({"image": samples((2, 8, 8), 1)}, tmp_path / "short.safetensors")
    assert "needs 192 numbers a row, got 128" in error(whole, "short.safetensors")
    save_file({"other": samples((2, 8, 8, 3), 1)}, tmp_path / "other.safetensors")
    assert 'no array "image"' in error(whole, "other.safetensors")
    assert "there is no such file" in error(whole, "nothing.safetensors")
