// Graph: one generic `add`, checked against the operation's own schema, so that a new operation needs no edit here.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "graph/autodiff.h"

namespace py = pybind11;

namespace linnet {
namespace {

// Throws pybind11::cast_error for a value of no such type.
void set_attribute(Attributes& attributes, const std::string& name, const py::handle& value) {
  if (py::isinstance<py::bool_>(value)) {
    attributes.set(name, py::cast<bool>(value));
  } else if (py::isinstance<py::int_>(value)) {
    attributes.set(name, py::cast<int64_t>(value));
  } else if (py::isinstance<py::float_>(value)) {
    attributes.set(name, py::cast<double>(value));
  } else if (py::isinstance<py::str>(value)) {
    attributes.set(name, py::cast<std::string>(value));
  } else {
    attributes.set(name, py::cast<Ints>(value));
  }
}

Attributes attributes_from(const py::dict& given) {
  Attributes attributes;
  for (const auto& [key, value] : given) {
    const std::string name = py::cast<std::string>(key);
    try {
      set_attribute(attributes, name, value);
    } catch (const py::cast_error&) {  // also a float in a list, or an integer beyond 64 bits
      throw std::invalid_argument("attribute '" + name + "' must be a bool, int, float, str or list of int, got " +
                                  py::repr(value).cast<std::string>());
    }
  }
  return attributes;
}

py::tuple shape_of(const Graph& graph, int value) {
  const Shape& shape = graph.type(value).shape;
  py::tuple result(shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) result[axis] = shape[axis];
  return result;
}

int add_constant(Graph& graph, const py::object& object) {
  const py::array array = py::array::ensure(object);
  if (!array) throw py::error_already_set();
  Type type{.dtype = array.dtype().kind() == 'i' ? DType::i32 : DType::f32, .shape = {}};
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) type.shape.push_back(array.shape(axis));
  const void* data = checked_data(array, type, "a constant", 0);
  if (type.dtype == DType::f32 && type.shape.empty()) return graph.scalar(*static_cast<const float*>(data));
  return graph.constant(type, data);
}

py::list nodes_of(const Graph& graph) {
  py::list result;
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    py::dict attributes;
    for (const auto& [name, value] : node.attributes.items()) attributes[name.c_str()] = value;
    result.append(py::make_tuple(node.op->name, node.inputs, node.outputs, attributes, node.layer));
  }
  return result;
}

py::dict constants_of(const Graph& graph) {
  py::dict result;
  for (int id = 0; id < graph.value_count(); ++id) {
    const Value& value = graph.value(id);
    if (value.kind != ValueKind::constant) continue;
    py::array array = new_array(value.type, 0);
    if (array.nbytes()) std::memcpy(array.mutable_data(), value.data.get(), static_cast<size_t>(array.nbytes()));
    result[py::int_(id)] = array;
  }
  return result;
}

py::dict registry() {
  py::dict result;
  for (const OpDef* op : all_ops()) {
    py::dict schema;
    for (const AttributeSpec& spec : op->attributes) schema[spec.name] = type_name(spec.fallback);
    result[op->name] = schema;
  }
  return result;
}

}  // namespace

void bind_graph(py::module_& m) {
  py::class_<Graph>(m, "Graph")
      .def(py::init<>())
      .def(
          "input",
          [](Graph& g, const std::string& name, const Shape& shape, const std::string& dtype) {
            return g.input(name, {dtype_named(dtype), shape});
          },
          py::arg("name"), py::arg("shape"), py::arg("dtype"))
      .def(
          "variable",
          [](Graph& g, const std::string& name, const Shape& shape, const std::string& dtype) {
            return g.variable(name, {dtype_named(dtype), shape});
          },
          py::arg("name"), py::arg("shape"), py::arg("dtype") = "float32")
      .def("constant", add_constant, py::arg("array"))
      .def(
          "add",
          [](Graph& g, const std::string& op, const std::vector<int>& inputs, const py::dict& attributes,
             const std::string& layer) { return g.add(op, inputs, attributes_from(attributes), layer); },
          py::arg("op"), py::arg("inputs"), py::arg("attributes") = py::dict(), py::arg("layer") = "")
      .def("gradients", append_gradients, py::arg("loss"), py::arg("targets"), py::arg("seed") = -1)
      .def(
          "assign", [](Graph& g, int variable, int value) { g.add("assign", {variable, value}, {}); },
          py::arg("variable"), py::arg("value"))
      .def("shape", shape_of, py::arg("value"))
      .def(
          "dtype", [](const Graph& g, int value) { return name_of(g.type(value).dtype); }, py::arg("value"))
      .def(
          "alias_root",
          [](const Graph& g, int value) {
            g.value(value);
            return g.alias_root(value);
          },
          py::arg("value"))
      .def("nodes", nodes_of)
      .def("constants", constants_of)
      .def("dump", &Graph::dump);
  m.def("operations", registry);
}

}  // namespace linnet
