"""Exported graphs: what is in the file, that it computes what the model predicts, and the errors.

The graph is run here by the engine under Python's hands; C++ programs run the same files in test_cpp_package.py.
"""

import json

import numpy as np
import pytest
from safetensors import safe_open
from support import samples

import linnet
from linnet import _engine, layers


def read(path):
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    return metadata, json.loads(metadata["graph"]), tensors


def predict(path, inputs, n):
    """What the exported graph computes."""
    _, description, tensors = read(path)
    graph = _engine.Graph()
    values = [graph.input(item["name"], item["shape"], item["dtype"]) for item in description["inputs"]]
    values += [graph.constant(tensors[name]) for name in description["constants"]]
    bound = {
        name: graph.variable(name, tensors[name].shape, str(tensors[name].dtype)) for name in description["variables"]
    }
    values += bound.values()
    for node in description["nodes"]:
        attributes = {k: float(v) if v in ("inf", "-inf", "nan") else v for k, v in node["attributes"].items()}
        values += graph.add(node["op"], [values[i] for i in node["inputs"]], attributes, node["layer"])
    executable = _engine.Executable(graph, [values[item["value"]] for item in description["outputs"]], n)
    for name, variable in bound.items():
        executable.bind_variable(variable, tensors[name])
    return executable.run(n, inputs)


def network():
    linnet.utils.set_random_seed(2)
    image = linnet.Input((6, 6, 2), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="c1")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    return linnet.Model(image, layers.Dense(3, activation="softmax", name="class")(x))


def test_computes_what_the_model_predicts(tmp_path):
    model, x = network(), samples((5, 6, 6, 2), 1)
    model.export(tmp_path / "m.graph")
    np.testing.assert_array_equal(predict(tmp_path / "m.graph", [x], 5)[0], model.predict(x, verbose=0))


def test_what_is_in_the_file(tmp_path):
    model = network()
    model.export(tmp_path / "m.graph")
    metadata, graph, tensors = read(tmp_path / "m.graph")
    assert (metadata["format"], metadata["version"], metadata["kind"]) == ("linnet", "1", "graph")
    assert graph["inputs"] == [{"name": "image", "shape": [-1, 6, 6, 2], "dtype": "float32"}]
    assert [item["name"] for item in graph["outputs"]] == ["class"]
    assert set(graph["variables"]) | set(graph["constants"]) == set(tensors)
    np.testing.assert_array_equal(tensors["weights/c1/kernel"], model.get_layer("c1").kernel.numpy())
    operations = [node["op"] for node in graph["nodes"]]
    assert "conv2d" in operations
    assert "dropout" not in operations
    assert {node["layer"] for node in graph["nodes"]} >= {"c1", "class"}
    assert all(node["op"] in _engine.operations() for node in graph["nodes"])


def test_only_what_the_outputs_need_is_written(tmp_path):
    class Wasteful(linnet.Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = layers.Dense(2, name="used"), layers.Dense(3, name="unused")

        def call(self, x):
            linnet.ops.exp(self.unused(x))
            return self.used(x)

    model, x = Wasteful(), samples((4, 3), 1)
    model.predict(x, verbose=0)
    model.export(tmp_path / "m.graph", input_signature=x)
    _, graph, tensors = read(tmp_path / "m.graph")
    assert sorted(tensors) == ["weights/used/bias", "weights/used/kernel"]
    assert "exp" not in [node["op"] for node in graph["nodes"]]
    np.testing.assert_array_equal(predict(tmp_path / "m.graph", [x], 4)[0], model.predict(x, verbose=0))


def test_an_output_may_be_an_input_or_come_twice(tmp_path):
    x = linnet.Input((3,), name="x")
    y = linnet.ops.clip(x, -np.inf, 0.5)
    linnet.Model(x, [y, x, y]).export(tmp_path / "m.graph")
    data = samples((2, 3), 1)
    first, same, again = predict(tmp_path / "m.graph", [data], 2)
    np.testing.assert_array_equal(first, np.minimum(data, np.float32(0.5)))
    np.testing.assert_array_equal(same, data)
    np.testing.assert_array_equal(again, first)


def test_errors_say_what_to_do(tmp_path):
    path = tmp_path / "m.graph"
    with pytest.raises(ValueError, match=r'unknown export format.*"linnet-graph"'):
        network().export(path, format="tf_saved_model")
    with pytest.raises(ValueError, match="input_signature"):
        linnet.Sequential([layers.Dense(2)]).export(path)
    anything = linnet.Input((None, None, 1))
    with pytest.raises(ValueError, match="every size behind the batch"):
        linnet.Model(anything, layers.Conv2D(1, 3)(anything)).export(path)
    row = linnet.Input((3,))
    with pytest.raises(ValueError, match="no batch axis"):
        linnet.Model(row, linnet.ops.sum(row)).export(path)
    assert not path.exists()


def test_a_prediction_that_changes_variables_is_refused(tmp_path):
    class Counter(layers.Layer):
        def build(self, input_shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

        def call(self, x):
            self.calls.assign(self.calls + 1.0)
            return x * 2.0

    model = linnet.Sequential([linnet.Input((3,)), Counter()])
    with pytest.raises(linnet.UnsupportedError, match="changes variables"):
        model.export(tmp_path / "m.graph")


def test_load_model_says_that_the_file_is_for_others(tmp_path):
    network().export(tmp_path / "m.graph")
    with pytest.raises(ValueError, match=r"model\.export"):
        linnet.saving.load_model(tmp_path / "m.graph")
