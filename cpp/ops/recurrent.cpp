// Recurrent layers over whole sequences: lstm, gru and simple_rnn, each with its gradient, on one kernel (kernels.h).
//
// Inputs are x (n, t, in), kernel (in, g u), recurrent (u, g u) and then, where the attribute of that name says so,
//   bias (g u)             for gru with reset_after (2, g u): that of the products of x, and that of those of h
//   state                  h before the first step (n, u), for lstm then c, too
//   mask (n, t)            0 where a step leaves the state of its row as it is
//   recurrent_mask (n, u)  factors of h wherever it meets `recurrent`: dropout with one mask for all steps
// Outputs are y (n, t, u), h after every step; h (n, u) after the last; for lstm c (n, u); and, but for simple_rnn,
// what the gradient wants to know of the gates. None is computed that nobody reads. The gradient's inputs are those, y,
// what was saved, and the gradients of y, h and c as far as there are any (attributes dy, dh, dc).
#include "graph/graph.h"
#include "graph/prepare.h"
#include "ops/ops.h"

namespace linnet {
namespace {

// Nodes whose weights are packed into input 1 carry the shape of the kernel as it was.
constexpr const char* kKernelShape = "kernel_shape";

// Which input is which; -1 for those that are not there.
struct Operands {
  explicit Operands(RecurrentCell cell, const Attributes& attributes) {
    if (attributes.find(kKernelShape)) {
      count = 2;
    } else if (attributes.flag("bias")) {
      bias = count++;
    }
    if (attributes.flag("state")) h0 = count++;
    if (attributes.flag("state") && cell == RecurrentCell::lstm) c0 = count++;
    if (attributes.flag("mask")) mask = count++;
    if (attributes.flag("recurrent_mask")) recurrent_mask = count++;
    forward = count;
    if (!attributes.find("dy")) return;
    y = count++;
    if (cell != RecurrentCell::simple) saved = count++;
    if (attributes.flag("dy")) dy = count++;
    if (attributes.flag("dh")) dh = count++;
    if (attributes.flag("dc")) dc = count++;
  }
  int bias = -1, h0 = -1, c0 = -1, mask = -1, recurrent_mask = -1;
  int forward = 0;  // how many inputs the operation itself has
  int y = -1, saved = -1, dy = -1, dh = -1, dc = -1;
  int count = 3;
};

Shape bias_shape(RecurrentCell cell, int64_t columns) {
  return cell == RecurrentCell::gru ? Shape{2, columns} : Shape{columns};
}

// What is saved has gaps in a layout of the kernel's own: bytes to everybody else.
int64_t saved_bytes(RecurrentCell cell, int64_t units) {
  return recurrent_saved(cell, units) * static_cast<int64_t>(sizeof(float));
}

struct Sizes {
  int64_t n, t, in, units;  // n as a dimension
};

Sizes check_operands(const InferContext& context, RecurrentCell cell, const Operands& operands) {
  context.expect_inputs(static_cast<size_t>(operands.count));
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    if (static_cast<int>(i) != operands.saved) context.expect_float(i);
  }
  context.expect_rank(0, 3, "input");
  context.expect_rank(1, 2, "kernel");
  context.expect_rank(2, 2, "recurrent kernel");
  const Shape& x = context.inputs[0].shape;
  const Shape& kernel = context.inputs[1].shape;
  const Shape& recurrent = context.inputs[2].shape;
  if (x[1] < 0 || x[2] < 0) context.fail("steps and features of the input must be known, got " + to_string(x));
  if (kernel[0] != x[2]) {
    context.fail("input has " + std::to_string(x[2]) + " features, the kernel expects " + std::to_string(kernel[0]) +
                 "; x " + to_string(x) + ", kernel " + to_string(kernel));
  }
  const int64_t units = recurrent[0], columns = recurrent_gates(cell) * units;
  if (recurrent[1] != columns || kernel[1] != columns) {
    context.fail("kernel " + to_string(kernel) + " and recurrent kernel " + to_string(recurrent) + " need " +
                 std::to_string(recurrent_gates(cell)) + " gates of " + std::to_string(units) + " units each");
  }
  const auto expect = [&](int input, const Shape& shape, const char* what) {
    if (input >= 0 && context.inputs[static_cast<size_t>(input)].shape != shape) {
      context.fail(std::string(what) + " has shape " + to_string(context.inputs[static_cast<size_t>(input)].shape) +
                   ", expected " + to_string(shape));
    }
  };
  const Shape state = {x[0], units};
  expect(operands.bias, bias_shape(cell, columns), "bias");
  expect(operands.h0, state, "the initial state h");
  expect(operands.c0, state, "the initial state c");
  expect(operands.mask, {x[0], x[1]}, "the mask");
  expect(operands.recurrent_mask, state, "the mask of the recurrent dropout");
  expect(operands.y, {x[0], x[1], units}, "y");
  expect(operands.saved, {x[0], x[1], saved_bytes(cell, units)}, "saved");
  expect(operands.dy, {x[0], x[1], units}, "dy");
  expect(operands.dh, state, "dh");
  expect(operands.dc, state, "dc");
  activation_named(context.attributes.text("activation"));
  if (cell != RecurrentCell::simple) activation_named(context.attributes.text("recurrent_activation"));
  return {x[0], x[1], x[2], units};
}

template <RecurrentCell kKind>
RecurrentCell cell_for(const Attributes& attributes) {
  if (kKind != RecurrentCell::gru) return kKind;
  return attributes.flag("reset_after") ? RecurrentCell::gru : RecurrentCell::gru_reset_before;
}

template <RecurrentCell kKind>
void infer(InferContext& context) {
  const RecurrentCell cell = cell_for<kKind>(context.attributes);
  const Sizes s = check_operands(context, cell, Operands(cell, context.attributes));
  context.outputs = {{DType::f32, {s.n, s.t, s.units}}, {DType::f32, {s.n, s.units}}};
  if (cell == RecurrentCell::lstm) context.outputs.push_back({DType::f32, {s.n, s.units}});
  if (cell != RecurrentCell::simple) {
    context.outputs.push_back({DType::u8, {s.n, s.t, saved_bytes(cell, s.units)}});
  }
}

// The gradients of x, kernel, recurrent, bias, h0 and c0, as far as they are inputs, in that order.
template <RecurrentCell kKind>
void infer_grad(InferContext& context) {
  const RecurrentCell cell = cell_for<kKind>(context.attributes);
  const Operands operands(cell, context.attributes);
  check_operands(context, cell, operands);
  for (int i = 0; i < operands.forward; ++i) {
    if (i == operands.mask || i == operands.recurrent_mask) continue;
    context.outputs.push_back(context.inputs[static_cast<size_t>(i)]);
  }
}

template <RecurrentCell kKind>
const char* grad_name() {
  return kKind == RecurrentCell::lstm ? "lstm_grad" : kKind == RecurrentCell::gru ? "gru_grad" : "simple_rnn_grad";
}

template <RecurrentCell kKind>
void gradient(GradientContext& g) {
  const RecurrentCell cell = cell_for<kKind>(g.attributes());
  const bool lstm = cell == RecurrentCell::lstm;
  const int dc = lstm ? g.dy(2) : -1;
  if (g.dy(0) < 0 && g.dy(1) < 0 && dc < 0) return;
  const Operands operands(cell, g.attributes());
  std::vector<int> inputs;
  for (int i = 0; i < operands.forward; ++i) inputs.push_back(g.input(static_cast<size_t>(i)));
  inputs.push_back(g.output(0));
  if (cell != RecurrentCell::simple) inputs.push_back(g.output(lstm ? 3 : 2));
  for (int d : {g.dy(0), g.dy(1), dc}) {
    if (d >= 0) inputs.push_back(d);
  }
  Attributes attributes = g.attributes();
  attributes.set("dy", g.dy(0) >= 0);
  attributes.set("dh", g.dy(1) >= 0);
  attributes.set("dc", dc >= 0);
  const std::vector<int> found = g.add_all(grad_name<kKind>(), inputs, attributes);
  size_t next = 0;
  for (int i = 0; i < operands.forward; ++i) {
    if (i == operands.mask || i == operands.recurrent_mask) continue;
    const size_t input = static_cast<size_t>(i), position = next++;
    if (g.needs(input)) g.set(input, found[position]);
  }
}

// The arguments of the kernel, sizes first; the rest by the values of the node.
struct Binding {
  Binding(const LowerContext& context, RecurrentCell cell)
      : operands(cell, context.node.attributes), inputs(context.node.inputs) {
    const Shape& x = context.input(0).shape;
    n = x[0];
    args.cell = cell;
    args.n = extent(n, context.capacity);
    args.t = x[1];
    args.in = x[2];
    is_packed = context.node.attributes.find(kKernelShape);
    const Shape& kernel = is_packed ? context.node.attributes.ints(kKernelShape) : context.input(1).shape;
    args.units = kernel[1] / recurrent_gates(cell);
    args.activation = activation_named(context.node.attributes.text("activation"));
    if (cell != RecurrentCell::simple) {
      args.gate = activation_named(context.node.attributes.text("recurrent_activation"));
    }
    args.reverse = context.node.attributes.flag("reverse");
    // Sizes alone tell a kernel how much memory it needs; whether there are a mask and packed weights does, too.
    static const float kSome = 0;
    if (operands.mask >= 0) args.mask = &kSome;
    if (is_packed) args.packed = &kSome;
    for (int value : context.node.outputs) outputs.push_back(context.graph.use_count(value) ? value : -1);
  }

  const float* read(const Run& run, int operand) const {
    return operand < 0 ? nullptr : run.f32(inputs[static_cast<size_t>(operand)]);
  }
  float* write(const Run& run, size_t output) const { return outputs[output] < 0 ? nullptr : run.out(outputs[output]); }

  RecurrentArgs at(const Run& run) const {
    RecurrentArgs a = args;
    a.n = extent(n, run.n);
    a.x = read(run, 0);
    if (is_packed) {
      a.packed = read(run, 1);
    } else {
      a.kernel = read(run, 1);
      a.recurrent = read(run, 2);
    }
    a.bias = read(run, operands.bias);
    if (a.bias && a.cell == RecurrentCell::gru) a.recurrent_bias = a.bias + 3 * a.units;
    a.h0 = read(run, operands.h0);
    a.c0 = read(run, operands.c0);
    a.mask = read(run, operands.mask);
    a.recurrent_mask = read(run, operands.recurrent_mask);
    return a;
  }

  Operands operands;
  std::vector<int> inputs, outputs;  // values; -1 for an output that nobody reads
  int64_t n;
  bool is_packed;
  RecurrentArgs args;
};

template <RecurrentCell kKind>
Lowered lower(const LowerContext& context) {
  const RecurrentCell cell = cell_for<kKind>(context.node.attributes);
  const Binding binding(context, cell);
  return {.run =
              [binding, cell, forward = context.kernels.recurrent_forward](Run& run) {
                RecurrentArgs a = binding.at(run);
                const bool lstm = cell == RecurrentCell::lstm;
                a.y = binding.write(run, 0);
                a.h = binding.write(run, 1);
                if (lstm) a.c = binding.write(run, 2);
                if (cell != RecurrentCell::simple) a.saved = binding.write(run, lstm ? 3 : 2);
                forward(a, run.launch);
              },
          .workspace = context.kernels.recurrent_workspace(binding.args),
          .explain_bad_row = nullptr,
          .parts = context.kernels.recurrent_parts(binding.args)};
}

template <RecurrentCell kKind>
Lowered lower_grad(const LowerContext& context) {
  const RecurrentCell cell = cell_for<kKind>(context.node.attributes);
  const Binding binding(context, cell);
  return {.run =
              [binding, cell, grad = context.kernels.recurrent_grad](Run& run) {
                const Operands& o = binding.operands;
                RecurrentGradArgs g{.forward = binding.at(run)};
                // Only read, as the gradient does with everything of the forward pass.
                g.forward.y = const_cast<float*>(binding.read(run, o.y));
                g.forward.saved = const_cast<float*>(binding.read(run, o.saved));
                g.dy = binding.read(run, o.dy);
                g.dh = binding.read(run, o.dh);
                g.dc = binding.read(run, o.dc);
                size_t next = 0;
                g.dx = binding.write(run, next++);
                g.dkernel = binding.write(run, next++);
                g.drecurrent = binding.write(run, next++);
                if (o.bias >= 0) g.dbias = binding.write(run, next++);
                if (g.dbias && cell == RecurrentCell::gru) g.drecurrent_bias = g.dbias + 3 * g.forward.units;
                if (o.h0 >= 0) g.dh0 = binding.write(run, next++);
                if (o.c0 >= 0) g.dc0 = binding.write(run, next++);
                grad(g, run.launch);
              },
          .workspace = context.kernels.recurrent_grad_workspace(binding.args),
          .explain_bad_row = nullptr,
          .parts = context.kernels.recurrent_parts(binding.args)};
}

// ---- weights that stay the same (graph/prepare.h): the nodes `..._pack` and `..._packed` are internal

// The kernel's arguments for weights (in, columns) alone.
RecurrentArgs packing_arguments(RecurrentCell cell, const Shape& kernel) {
  RecurrentArgs args;
  args.cell = cell;
  args.n = args.t = 1;
  args.in = kernel[0];
  args.units = kernel[1] / recurrent_gates(cell);
  return args;
}

template <RecurrentCell kKind>
Lowered lower_pack(const LowerContext& context) {
  const RecurrentCell cell = cell_for<kKind>(context.node.attributes);
  return {.run =
              [args = packing_arguments(cell, context.input(0).shape), inputs = context.node.inputs,
               packed = context.node.outputs[0], pack = context.kernels.recurrent_pack](Run& run) {
                RecurrentArgs a = args;
                a.kernel = run.f32(inputs[0]);
                a.recurrent = run.f32(inputs[1]);
                if (inputs.size() > 2) a.bias = run.f32(inputs[2]);
                if (a.bias && a.cell == RecurrentCell::gru) a.recurrent_bias = a.bias + 3 * a.units;
                pack(a, run.out(packed), run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

template <RecurrentCell kKind>
void pack(Graph& graph, int index, const KernelTable& kernels, int64_t) {
  static const std::string name = kKind == RecurrentCell::lstm  ? "lstm"
                                  : kKind == RecurrentCell::gru ? "gru"
                                                                : "simple_rnn";
  static const std::string pack_name = name + "_pack", packed_name = name + "_packed";
  static const OpDef pack_op = {.name = pack_name.c_str(), .lower = lower_pack<kKind>};
  static const OpDef packed_op = {.name = packed_name.c_str(), .lower = lower<kKind>, .skips_unused = true};
  const Node& node = graph.node(index);
  const RecurrentCell cell = cell_for<kKind>(node.attributes);
  const Operands operands(cell, node.attributes);
  std::vector<int> weights(node.inputs.begin() + 1, node.inputs.begin() + (operands.bias >= 0 ? 4 : 3));
  const std::vector<bool> steady = steady_values(graph);
  for (int id : weights) {
    if (!steady[static_cast<size_t>(id)]) return;
  }
  const Shape kernel = graph.type(weights[0]).shape;
  const size_t bytes = kernels.recurrent_packed_size(packing_arguments(cell, kernel));
  if (bytes == 0) return;
  Attributes attributes;
  if (kKind == RecurrentCell::gru) attributes.set("reset_after", cell == RecurrentCell::gru);
  const int packed = graph.append({.op = &pack_op,
                                   .inputs = weights,
                                   .outputs = {},
                                   .attributes = attributes,
                                   .layer = node.layer,
                                   .dead = false,
                                   .program = nullptr},
                                  {DType::f32, {static_cast<int64_t>(bytes / sizeof(float))}});
  Node& reader = graph.node(index);
  reader.op = &packed_op;
  reader.inputs.erase(reader.inputs.begin() + 2,
                      reader.inputs.begin() + 1 + static_cast<std::ptrdiff_t>(weights.size()));
  reader.inputs[1] = packed;
  reader.attributes.set(kKernelShape, kernel);
}

template <RecurrentCell kKind>
std::vector<AttributeSpec> attributes(bool grad) {
  std::vector<AttributeSpec> specs = {{"activation", std::string("tanh")},
                                      {"reverse", false},
                                      {"bias", false},
                                      {"state", false},
                                      {"mask", false},
                                      {"recurrent_mask", false}};
  if (kKind != RecurrentCell::simple) specs.push_back({"recurrent_activation", std::string("sigmoid")});
  if (kKind == RecurrentCell::gru) specs.push_back({"reset_after", true});
  if (grad) specs.insert(specs.end(), {{"dy", false}, {"dh", false}, {"dc", false}});
  return specs;
}

template <RecurrentCell kKind>
void add_ops(OpList& ops, const char* name) {
  ops.push_back({.name = name,
                 .attributes = attributes<kKind>(false),
                 .infer = infer<kKind>,
                 .gradient = gradient<kKind>,
                 .lower = lower<kKind>,
                 .skips_unused = true,
                 .pack = pack<kKind>});
  ops.push_back({.name = grad_name<kKind>(),
                 .attributes = attributes<kKind>(true),
                 .infer = infer_grad<kKind>,
                 .lower = lower_grad<kKind>,
                 .skips_unused = true});
}

}  // namespace

const OpList& recurrent_ops() {
  static const OpList ops = [] {
    OpList list;
    add_ops<RecurrentCell::lstm>(list, "lstm");
    add_ops<RecurrentCell::gru>(list, "gru");
    add_ops<RecurrentCell::simple>(list, "simple_rnn");
    return list;
  }();
  return ops;
}

}  // namespace linnet
