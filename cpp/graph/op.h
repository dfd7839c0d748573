// OpDef: everything the graph may ask about an operation. The graph room knows operations only through this; cpp/ops
// defines them, one file per family, and ops/registry.cpp lists them.
//
// A new operation gives: its attributes, `infer` (output types from input types; raises ShapeError), `gradient`
// (appends ordinary nodes) and either `opcode`/`emit` (pointwise: it then fuses with its neighbours) or `lower` (which
// kernel, which arguments).
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/shape.h"
#include "graph/attributes.h"
#include "kernels/kernels.h"

namespace linnet {

class Graph;
struct Node;
class ProgramBuilder;

struct Type {
  DType dtype = DType::f32;
  Shape shape;
};

// What `infer` sees, and where it puts its answer.
struct InferContext {
  const std::string& name;  // for messages: `conv2d "conv_1"`
  const Attributes& attributes;
  std::vector<Type> inputs;
  std::vector<Type> outputs;

  [[noreturn]] void fail(const std::string& message) const { throw ShapeError(name + ": " + message); }
  void expect_inputs(size_t count) const;
  void expect_float(size_t input) const;
  void expect_int(size_t input) const;
  void expect_rank(size_t input, size_t rank, const char* what) const;
};

// What `gradient` sees: the node, the gradients of its outputs (-1 where nothing flows), and a way to append nodes.
class GradientContext {
 public:
  GradientContext(Graph& graph, int node, std::vector<int> output_gradients);

  int input(size_t i) const;
  int output(size_t i) const;
  int dy(size_t i = 0) const { return output_gradients_[i]; }  // gradient of output i, or -1
  const Attributes& attributes() const;
  const Type& type(int value) const;
  bool needs(size_t input) const { return needed_[input]; }

  int add(const char* op, const std::vector<int>& inputs, Attributes attributes = {});
  std::vector<int> add_all(const char* op, const std::vector<int>& inputs, Attributes attributes = {});
  int scalar(float value);
  // Sums `gradient` over the axes along which `input` was broadcast, so that it has the input's shape.
  int reduce_to(int gradient, int input);

  void set(size_t input, int gradient) { gradients[input] = gradient; }
  std::vector<int> gradients;  // one per input, -1 for none

 private:
  friend class Autodiff;
  Graph& graph_;
  int node_;
  std::vector<int> output_gradients_;
  std::vector<bool> needed_;
};

// What a launch sees while a step runs.
struct Run {
  int64_t n = 0;  // rows of this run
  uint64_t seed = 0, step = 0;
  void* const* buffers = nullptr;  // by value
  Launch launch;                   // workspace already points at this launch's own

  // Where a kernel reports the first row whose label or id is out of range; checked after each launch.
  int64_t bad_row = -1;

  const float* f32(int value) const { return static_cast<const float*>(buffers[value]); }
  float* out(int value) const { return static_cast<float*>(buffers[value]); }
  const int32_t* i32(int value) const { return static_cast<const int32_t*>(buffers[value]); }
  int32_t* out_i32(int value) const { return static_cast<int32_t*>(buffers[value]); }
  uint8_t* out_u8(int value) const { return static_cast<uint8_t*>(buffers[value]); }
};

// What `lower` sees when a plan is made. Values are numbers into Run::buffers.
struct LowerContext {
  const Graph& graph;
  const Node& node;
  const KernelTable& kernels;
  int64_t capacity;  // most rows of a run
  const Type& input(size_t i) const;
  const Type& output(size_t i) const;
};

struct Lowered {
  std::function<void(Run&)> run;
  size_t workspace = 0;  // bytes for `capacity` rows
  // Says what is wrong when a kernel set Run::bad_row, and turns bad_row into the number of the sample in the batch.
  std::function<std::string(Run&)> explain_bad_row;
  // Not 0: so many threads at most have something to do, and it may run beside others of its kind (schedule.h). `run`
  // then neither throws nor sets bad_row.
  int64_t parts = 0;
};

struct OpDef {
  const char* name;
  std::vector<AttributeSpec> attributes = {};
  void (*infer)(InferContext&) = nullptr;
  void (*gradient)(GradientContext&) = nullptr;  // null: not differentiable, the gradient is zero
  Lowered (*lower)(const LowerContext&) = nullptr;

  // Pointwise operations: a single opcode, or several instructions from `emit`.
  std::optional<Opcode> opcode = {};
  void (*emit)(ProgramBuilder&, const Node&) = nullptr;

  // Output 0 is input 0 under another shape, `alias_offset` bytes further on. No launch.
  bool alias = false;
  int64_t (*alias_offset)(const Node&) = nullptr;

  // Output 0 keeps its memory (zeroed once) from run to run, and input i may be computed right at byte `input_offset`
  // of it: the packed gradients. The launch copies only the inputs that could not be.
  int64_t (*input_offset)(const Node&, size_t input) = nullptr;

  // Writes its inputs `mutates` in place and has no outputs: keeps its place among reads of the same memory.
  std::vector<int> mutates = {};
  // For an effect that may run as soon as what it needs is there (schedule.h): the bytes that it reads and writes of
  // each input in `mutates`, as {first, one past the last}.
  std::pair<int64_t, int64_t> (*touched_bytes)(const Graph&, const Node&) = nullptr;

  // Takes a bias and a residual as further inputs and an activation, which the fuser fills in ("bias", "residual",
  // "activation" attributes; bias before residual).
  bool takes_epilogue = false;
  // Parts of that: a residual as a further input ("residual"), an "activation" applied to output 0 after it.
  bool takes_residual = false;
  bool takes_activation = false;
  // The activation this pointwise operation is, for the flags above.
  Activation activation = Activation::none;

  // A rewrite of its own, tried once per node before the general fusion. True when it changed the graph.
  bool (*rewrite)(Graph&, int node) = nullptr;

  // Differs from run to run although its inputs do not.
  bool random = false;

  // Writes no output that nobody reads (Graph::use_count): such an output has no memory.
  bool skips_unused = false;

  // Costs little more than reading its inputs once: may run again where its result is needed instead of having it kept
  // (recompute.h).
  bool cheap = false;

  // For weights in input 1 that stay the same from run to run (prepare.h).
  // True when output 0 is linear in the weights and their last axis is its last axis.
  bool (*scalable)(const Graph&, const Node&) = nullptr;
  // Appends a node that brings the weights into the kernel's own layout and makes this one read its result, unless the
  // kernel finds that it does not pay for so many rows. After fusion.
  void (*pack)(Graph&, int node, const KernelTable&, int64_t capacity) = nullptr;

  bool pointwise() const { return opcode.has_value() || emit != nullptr; }
  bool effect() const { return !mutates.empty(); }
};

// Defined in ops/registry.cpp.
const OpDef* find_op(const std::string& name);
const std::vector<const OpDef*>& all_ops();

}  // namespace linnet
