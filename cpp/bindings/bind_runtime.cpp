// Threads, instruction sets, the processor, and the sample order.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "runtime/conv_algorithm.h"
#include "runtime/cpu.h"
#include "runtime/dispatch.h"
#include "runtime/peak.h"
#include "runtime/random.h"
#include "runtime/threads.h"

namespace py = pybind11;

namespace linnet {
namespace {

py::array_t<int64_t> shuffled(int64_t n, uint64_t seed, uint64_t epoch) {
  if (n < 0) throw std::invalid_argument("shuffle: n must not be negative, got " + std::to_string(n));
  py::array_t<int64_t> result(n);
  shuffle(n, seed, epoch, result.mutable_data());
  return result;
}

py::tuple default_threads() {
  std::string reason;
  const int n = default_num_threads(&reason);
  return py::make_tuple(n, reason);
}

std::vector<std::string> isa_names() {
  std::vector<std::string> names;
  for (const KernelTable* table : available_kernels()) names.emplace_back(table->name);
  return names;
}

py::dict processor() {
  const Cpu& c = cpu();
  py::dict result;
  result["model"] = c.model;
  result["physical_cores"] = c.physical_cores;
  result["affinity"] = c.affinity;
  result["cgroup_quota"] = c.cgroup_quota;
  result["l1d"] = c.l1d;
  result["l2"] = c.l2;
  result["l3"] = c.l3;
  return result;
}

py::dict bandwidth(double seconds) {
  Bandwidth found{};
  {
    const py::gil_scoped_release no_gil;
    found = measure_bandwidth(seconds);
  }
  py::dict result;
  result["read"] = found.read;
  result["write"] = found.write;
  result["update"] = found.update;
  result["copy"] = found.copy;
  return result;
}

}  // namespace

void bind_runtime(py::module_& m) {
  m.attr("__version__") = LINNET_VERSION;
  m.def("shuffle", shuffled, py::arg("n"), py::arg("seed"), py::arg("epoch"));
  m.def("set_num_threads", set_num_threads, py::arg("n"));
  m.def("num_threads", num_threads);
  m.def("default_num_threads", default_threads);
  m.def("isa", [] { return std::string(kernels().name); });
  m.def("available_isas", isa_names);
  m.def("set_isa", set_kernels, py::arg("name"));
  m.def("conv_algorithm", conv_algorithm);
  m.def("set_conv_algorithm", set_conv_algorithm, py::arg("name"));
  m.def("cpu_info", processor);
  m.def("measure_fma_peak", measure_fma_peak, py::arg("seconds"), py::call_guard<py::gil_scoped_release>());
  m.def("measure_bandwidth", bandwidth, py::arg("seconds"));
  m.def("measure_read", measure_read, py::arg("seconds"), py::arg("bytes"), py::call_guard<py::gil_scoped_release>());
}

}  // namespace linnet
