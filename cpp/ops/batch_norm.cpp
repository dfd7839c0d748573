// Batch normalisation with batch statistics (Ioffe & Szegedy 2015), over all axes but the last. The statistics are
// outputs: the gradient needs them, and the layer moves its averages with them. No gradient flows through those two.
//
// The fuser folds a residual and an activation into the forward launch (OpDef::takes_residual). The gradient's own
// rewrite (`absorb_relu_grad`) takes in the gradient of a relu behind it: `relu` says how it knows the sign of the
// output
// ("x": from x and beta, "y": from y, which is input 5), and `dz` adds the gradient behind the relu as an output, for
// the residual. If what flows back is a sum, as it is where a block of a residual network begins, its second part is
// the last input (`more_dy`).
#include "graph/fuse.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_batch_norm(InferContext& context) {
  const bool residual = context.attributes.flag("residual");
  context.expect_inputs(residual ? 4 : 3);
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  const Shape& x = context.inputs[0].shape;
  if (x.size() < 2 || x.back() < 0) context.fail("needs rows and a last axis of channels, got " + to_string(x));
  merged_dim(x, 0, x.size() - 1);
  const Shape channels = {x.back()};
  for (size_t i = 1; i < 3; ++i) {
    if (context.inputs[i].shape != channels) {
      context.fail("input has " + std::to_string(x.back()) + " channels, " + (i == 1 ? "gamma" : "beta") +
                   " has shape " + to_string(context.inputs[i].shape));
    }
  }
  if (residual && context.inputs[3].shape != x) {
    context.fail("the residual has shape " + to_string(context.inputs[3].shape) + ", the input " + to_string(x));
  }
  activation_named(context.attributes.text("activation"));
  context.outputs = {context.inputs[0], {DType::f32, channels}, {DType::f32, channels}};
}

void grad_batch_norm(GradientContext& g) {
  if (g.dy() < 0) return;
  const std::vector<int> result =
      g.add_all("batch_norm_grad", {g.input(0), g.dy(), g.input(1), g.output(1), g.output(2)},
                {{"epsilon", g.attributes().number("epsilon")}});
  for (size_t i = 0; i < 3; ++i) g.set(i, result[i]);
}

// Which inputs the attribute "relu" names; raises for other words.
ReluMask mask_of(const Attributes& attributes) {
  const std::string& relu = attributes.text("relu");
  if (relu == "none") return ReluMask::none;
  if (relu == "x") return ReluMask::from_x;
  if (relu == "y") return ReluMask::from_y;
  throw std::invalid_argument("batch_norm_grad: relu is 'none', 'x' or 'y', not '" + relu + "'");
}

void infer_batch_norm_grad(InferContext& context) {
  const ReluMask mask = mask_of(context.attributes);
  const bool more = context.attributes.flag("more_dy");
  context.expect_inputs(5 + (mask != ReluMask::none) + more);
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  const Type& channels = context.inputs[2];
  const Shape& x = context.inputs[0].shape;
  bool fits = x == context.inputs[1].shape && x.size() > 1 && x.back() >= 0;
  for (size_t i = 2; i < 5; ++i) fits = fits && context.inputs[i].shape == Shape{x.back()};
  if (mask == ReluMask::from_x) fits = fits && context.inputs[5].shape == channels.shape;
  if (mask == ReluMask::from_y) fits = fits && context.inputs[5].shape == x;
  if (more) fits = fits && context.inputs.back().shape == x;
  if (!fits) context.fail("takes x, its gradient, and gamma, mean and variance of its channels; x " + to_string(x));
  context.outputs = {context.inputs[0], channels, channels};
  if (context.attributes.flag("dz")) context.outputs.push_back(context.inputs[0]);
}

// The node that computes `value` = a + b of the same shapes for `reader` alone, if `index` can read a and b; else -1.
int single_sum(const Graph& graph, int value, int reader, int index) {
  const Value& sum = graph.value(value);
  if (sum.kind != ValueKind::computed || graph.use_count(value) != 1) return -1;
  const Node& node = graph.node(sum.node);
  if (node.op->opcode != Opcode::add || graph.consumers(value) != std::vector<int>{reader}) return -1;
  for (int id : node.inputs) {
    if (graph.type(id).shape != sum.type.shape || written_between(graph, id, sum.node, index)) return -1;
  }
  return sum.node;
}

// relu(batch_norm(x) + residual): its gradient dz = relu_grad(dy, y) is a pass over memory that this node can do while
// it reads dy anyway. Without a residual it does not even read y. If dy is a sum that nobody else reads, that is added
// here, too. `index` is the batch_norm_grad node.
bool absorb_relu_grad(Graph& graph, int index) {
  const Node& node = graph.node(index);
  if (node.attributes.text("relu") != "none") return false;
  const int dz = node.inputs[1];
  if (graph.value(dz).kind != ValueKind::computed) return false;
  const int gate = graph.value(dz).node;
  if (graph.node(gate).op->opcode != Opcode::relu_grad) return false;
  const int dy = graph.node(gate).inputs[0], y = graph.node(gate).inputs[1];
  for (int id : {dy, y}) {
    if (graph.type(id).shape != graph.type(dz).shape || written_between(graph, id, gate, index)) return false;
  }
  const bool wanted = graph.use_count(dz) > 1;
  for (int reader : graph.readers(dz)) {
    if (reader < index) return false;  // dz would not be there yet
  }

  // The normalisation itself, found by its mean: is y its output, without a residual in between?
  int beta = -1;
  const Value& mean = graph.value(node.inputs[3]);
  const Value& output = graph.value(y);
  if (mean.kind == ValueKind::computed && output.kind == ValueKind::computed) {
    const Node& forward = graph.node(mean.node);
    const Node& relu = graph.node(output.node);
    if (std::string(forward.op->name) == "batch_norm" && relu.op->activation == Activation::relu &&
        relu.inputs[0] == forward.outputs[0] && forward.inputs[0] == node.inputs[0] &&
        forward.inputs[1] == node.inputs[2] && !forward.attributes.flag("residual") &&
        forward.attributes.text("activation") == "none" &&
        forward.attributes.number("epsilon") == node.attributes.number("epsilon") &&
        !written_between(graph, forward.inputs[1], mean.node, index) &&
        !written_between(graph, forward.inputs[2], mean.node, index)) {
      beta = forward.inputs[2];
    }
  }
  const int sum = single_sum(graph, dy, gate, index);
  Node& target = graph.node(index);
  target.attributes.set("relu", std::string(beta >= 0 ? "x" : "y"));
  target.inputs[1] = dy;
  target.inputs.push_back(beta >= 0 ? beta : y);
  if (sum >= 0) {
    target.attributes.set("more_dy", true);
    target.inputs[1] = graph.node(sum).inputs[0];
    target.inputs.push_back(graph.node(sum).inputs[1]);
  }
  if (wanted) {
    target.attributes.set("dz", true);
    graph.node(gate).dead = true;
    graph.add_output(index, graph.type(dz));
    graph.take_output(index, 3, dz);
  }
  return true;
}

struct Rows {
  int64_t rows, channels;
};

Rows rows_of(const Shape& x) { return {merged_dim(x, 0, x.size() - 1), x.back()}; }

Lowered lower_forward(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  BatchNormArgs args;
  args.c = r.channels;
  args.epsilon = static_cast<float>(context.node.attributes.number("epsilon"));
  args.activation = activation_named(context.node.attributes.text("activation"));
  return {.run =
              [r, args, in = context.node.inputs, out = context.node.outputs,
               forward = context.kernels.batch_norm_forward](Run& run) {
                BatchNormArgs a = args;
                a.rows = extent(r.rows, run.n);
                a.x = run.f32(in[0]);
                a.gamma = run.f32(in[1]);
                a.beta = run.f32(in[2]);
                a.residual = in.size() > 3 ? run.f32(in[3]) : nullptr;
                a.y = run.out(out[0]);
                a.mean = run.out(out[1]);
                a.variance = run.out(out[2]);
                forward(a, run.launch);
              },
          .workspace = context.kernels.batch_norm_workspace(extent(r.rows, context.capacity), r.channels),
          .explain_bad_row = nullptr};
}

Lowered lower_grad(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  BatchNormGradArgs args;
  args.c = r.channels;
  args.epsilon = static_cast<float>(context.node.attributes.number("epsilon"));
  args.relu = mask_of(context.node.attributes);
  return {.run =
              [r, args, more = context.node.attributes.flag("more_dy"), in = context.node.inputs,
               out = context.node.outputs, grad = context.kernels.batch_norm_grad](Run& run) {
                BatchNormGradArgs a = args;
                a.rows = extent(r.rows, run.n);
                a.x = run.f32(in[0]);
                a.dy = run.f32(in[1]);
                a.gamma = run.f32(in[2]);
                a.mean = run.f32(in[3]);
                a.variance = run.f32(in[4]);
                a.beta = a.relu == ReluMask::from_x ? run.f32(in[5]) : nullptr;
                a.y = a.relu == ReluMask::from_y ? run.f32(in[5]) : nullptr;
                a.more_dy = more ? run.f32(in.back()) : nullptr;
                a.dx = run.out(out[0]);
                a.dgamma = run.out(out[1]);
                a.dbeta = run.out(out[2]);
                a.dz = out.size() > 3 ? run.out(out[3]) : nullptr;
                grad(a, run.launch);
              },
          .workspace = context.kernels.batch_norm_workspace(extent(r.rows, context.capacity), r.channels),
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& batch_norm_ops() {
  static const OpList ops = {
      {.name = "batch_norm",
       .attributes = {{"epsilon", 1e-3}, {"residual", false}, {"activation", std::string("none")}},
       .infer = infer_batch_norm,
       .gradient = grad_batch_norm,
       .lower = lower_forward,
       .takes_residual = true,
       .takes_activation = true,
       .cheap = true},
      {.name = "batch_norm_grad",
       .attributes = {{"epsilon", 1e-3}, {"relu", std::string("none")}, {"more_dy", false}, {"dz", false}},
       .infer = infer_batch_norm_grad,
       .lower = lower_grad,
       .rewrite = absorb_relu_grad},
  };
  return ops;
}

}  // namespace linnet
