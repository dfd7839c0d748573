// Executable as Python sees it: checks arrays against the graph's types, lets go of the GIL, runs, copies outputs out.
//
// One run at a time per executable (Locked); other Python threads go on meanwhile. The arrays whose memory an
// executable uses (variables, data sets) are kept alive here, because the engine holds bare pointers.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "graph/executable.h"

namespace py = pybind11;

namespace linnet {
namespace {

// An executable and the arrays whose memory it uses.
class PyExecutable {
 public:
  PyExecutable(const Graph& graph, const std::vector<int>& outputs, int64_t capacity, const std::string& debug,
               bool prepare)
      : executable_(graph, outputs, capacity, DebugOptions::parse(debug), prepare) {
    const Graph& own = executable_.graph();
    for (int id : own.outputs) keeps_inputs_ |= own.value(own.alias_root(id)).kind == ValueKind::input;
    for (int id : executable_.inputs()) input_dtypes_.push_back(dtype_of(own.type(id).dtype));
  }

  int64_t capacity() const { return executable_.capacity(); }

  void bind_variable(int variable, const py::array& array) {
    const Value& value = executable_.graph().value(variable);
    const void* data = checked_data(array, value.type, "variable '" + value.name + "'", 0);
    if (!array.writeable() && executable_.writes(variable)) {
      throw std::invalid_argument("variable '" + value.name +
                                  "' is assigned in the graph: its array must be writeable");
    }
    {
      Locked lock(*this);
      executable_.bind_variable(variable, const_cast<void*>(data));
    }
    keep_[variable] = array;
  }

  void bind_rows(int input, const py::array& array) {
    const Value& value = executable_.graph().value(input);
    if (!(array.flags() & py::array::c_style))
      throw std::invalid_argument("input '" + value.name + "': the data must be C-contiguous");
    if (array.ndim() < 1)
      throw std::invalid_argument("input '" + value.name + "': the data needs a first axis of samples");
    if (!is_aligned(array)) throw std::invalid_argument("input '" + value.name + "': the data must be aligned");
    int64_t row = 1;
    for (py::ssize_t axis = 1; axis < array.ndim(); ++axis) row *= array.shape(axis);
    const SourceType type = source_type(array);
    const void* data = array.data();
    const int64_t rows = array.shape(0);
    {
      Locked lock(*this);
      executable_.bind_rows(input, type, data, rows, row);
    }
    keep_[input] = array;
  }

  py::list run(int64_t n, const std::vector<py::array>& inputs, uint64_t seed, uint64_t step) {
    const std::vector<const void*> pointers = input_pointers(n, inputs);
    executable_.check_rows(n);
    if (keeps_inputs_) last_inputs_ = inputs;
    return run_on(n, pointers, seed, step);
  }

  // For serving single samples, where every microsecond counts: x is the input, or a list or tuple of the inputs, and
  // the engine reads it where it lies. None, and nothing done, where `run` would fail or somebody has to convert first.
  py::object run_as_is(const py::object& x) {
    PyObject* single[] = {x.ptr()};
    PyObject** items = single;
    size_t count = 1;
    if (PyList_CheckExact(x.ptr()) || PyTuple_CheckExact(x.ptr())) {
      items = PySequence_Fast_ITEMS(x.ptr());
      count = static_cast<size_t>(PySequence_Fast_GET_SIZE(x.ptr()));
    }
    const std::vector<int>& ids = executable_.inputs();
    if (count == 0 || count != ids.size() || keeps_inputs_) return py::none();
    std::vector<const void*> pointers;
    std::vector<py::array> arrays;  // another thread may change the list while the engine reads
    int64_t n = 0;
    for (size_t i = 0; i < count; ++i) {
      if (Py_TYPE(items[i]) != py::detail::npy_api::get().PyArray_Type_) return py::none();
      const py::array& array = arrays.emplace_back(py::reinterpret_borrow<py::array>(items[i]));
      if (i == 0) n = array.ndim() > 0 ? array.shape(0) : 0;
      if (n < 1 || n > executable_.capacity() || !array.dtype().is(input_dtypes_[i]) ||
          !has_shape(array, executable_.graph().type(ids[i]).shape, n) || !(array.flags() & py::array::c_style) ||
          !is_aligned(array)) {
        return py::none();
      }
      pointers.push_back(array.data());
    }
    return run_on(n, pointers, 0, 0);
  }

  void run_rows(const std::optional<py::array_t<int64_t, py::array::c_style>>& indices, int64_t start, int64_t n,
                uint64_t seed, uint64_t step) {
    if (indices && (start < 0 || n < 0 || start > indices->size() - n)) {
      throw std::out_of_range(std::to_string(n) + " indices from index " + std::to_string(start) +
                              " on were asked of " + std::to_string(indices->size()));
    }
    const int64_t* data = indices ? indices->data() : nullptr;
    Locked lock(*this);
    executable_.run_rows(data, start, n, seed, step);
  }

  py::array output(size_t index) const {
    check_output(index);
    py::array array = new_array(executable_.output_type(index), executable_.last_rows());
    if (array.nbytes())
      std::memcpy(array.mutable_data(), executable_.output(index), static_cast<size_t>(array.nbytes()));
    return array;
  }

  double scalar(size_t index) const {
    check_output(index);
    const Type& type = executable_.output_type(index);
    if (!type.shape.empty())
      throw ShapeError("output " + std::to_string(index) + " is no scalar: " + to_string(type.shape));
    if (type.dtype == DType::i32) return *static_cast<const int32_t*>(executable_.output(index));
    return *static_cast<const float*>(executable_.output(index));
  }

  py::dict memory() const {
    py::dict result;
    result["arena"] = executable_.arena_bytes();
    result["gradients"] = executable_.persistent_bytes();
    result["prepared"] = executable_.prepared_bytes();
    result["constants"] = executable_.constant_bytes();
    result["workspace"] = executable_.workspace_bytes();
    return result;
  }

  std::string dump() const { return executable_.dump(); }

  py::list profile(int64_t n, const std::vector<py::array>& inputs, int repeats) {
    const std::vector<const void*> pointers = input_pointers(n, inputs);
    std::vector<Executable::Timing> timings;
    {
      Locked lock(*this);
      timings = executable_.profile(n, pointers, repeats);
    }
    py::list result;
    for (const Executable::Timing& t : timings) result.append(py::make_tuple(t.operation, t.layer, t.seconds));
    return result;
  }

 private:
  // Runs on checked inputs.
  py::list run_on(int64_t n, const std::vector<const void*>& pointers, uint64_t seed, uint64_t step) {
    py::list outputs(executable_.output_count());
    std::vector<std::pair<void*, size_t>> targets;
    for (size_t i = 0; i < executable_.output_count(); ++i) {
      py::array array = new_array(executable_.output_type(i), n);
      targets.emplace_back(array.mutable_data(), static_cast<size_t>(array.nbytes()));
      outputs[i] = std::move(array);
    }
    {
      Locked lock(*this);
      executable_.run(n, pointers, seed, step);
      // Before another thread may run: it would write over them.
      for (size_t i = 0; i < targets.size(); ++i) {
        if (targets[i].second) std::memcpy(targets[i].first, executable_.output(i), targets[i].second);
      }
    }
    return outputs;
  }

  // One run at a time, without the GIL. The GIL goes first, so that a waiting thread does not hold it.
  class Locked {
   public:
    explicit Locked(PyExecutable& owner) : lock_(owner.executable_.mutex()) {}

   private:
    py::gil_scoped_release release_;
    std::lock_guard<std::mutex> lock_;
  };

  std::vector<const void*> input_pointers(int64_t n, const std::vector<py::array>& inputs) const {
    const std::vector<int>& ids = executable_.inputs();
    if (ids.size() != inputs.size()) {
      throw std::invalid_argument("the graph has " + std::to_string(ids.size()) + " inputs, got " +
                                  std::to_string(inputs.size()));
    }
    std::vector<const void*> pointers;
    for (size_t i = 0; i < ids.size(); ++i) {
      const Value& value = executable_.graph().value(ids[i]);
      pointers.push_back(checked_data(inputs[i], value.type, "input '" + value.name + "'", n));
    }
    return pointers;
  }

  void check_output(size_t index) const {
    if (index >= executable_.output_count()) throw std::out_of_range("there is no output " + std::to_string(index));
    if (executable_.last_rows() < 0) throw std::invalid_argument("there is no output before the first run");
  }

  Executable executable_;
  std::vector<py::dtype> input_dtypes_;
  bool keeps_inputs_ = false;  // an output is an input, or an alias of one: `output` reads the caller's array
  std::vector<py::array> last_inputs_;
  std::map<int, py::array> keep_;
};

}  // namespace

void bind_executable(py::module_& m) {
  m.def(
      "memory_written",
      [](const py::array& array) {
        if (array.nbytes()) memory_written(array.data(), static_cast<size_t>(array.nbytes()));
      },
      py::arg("array"));
  py::class_<PyExecutable>(m, "Executable")
      .def(py::init<const Graph&, const std::vector<int>&, int64_t, const std::string&, bool>(), py::arg("graph"),
           py::arg("outputs"), py::arg("capacity"), py::arg("debug") = "", py::arg("prepare") = false)
      .def_property_readonly("capacity", &PyExecutable::capacity)
      .def("bind_variable", &PyExecutable::bind_variable, py::arg("variable"), py::arg("array"))
      .def("bind_rows", &PyExecutable::bind_rows, py::arg("input"), py::arg("array"))
      .def("run", &PyExecutable::run, py::arg("n"), py::arg("inputs"), py::arg("seed") = 0, py::arg("step") = 0)
      .def("run_as_is", &PyExecutable::run_as_is, py::arg("inputs"))
      .def("run_rows", &PyExecutable::run_rows, py::arg("indices").none(true), py::arg("start"), py::arg("n"),
           py::arg("seed") = 0, py::arg("step") = 0)
      .def("output", &PyExecutable::output, py::arg("index"))
      .def("scalar", &PyExecutable::scalar, py::arg("index"))
      .def("memory", &PyExecutable::memory)
      .def("dump", &PyExecutable::dump)
      .def("profile", &PyExecutable::profile, py::arg("n"), py::arg("inputs"), py::arg("repeats"));
}

}  // namespace linnet
