// matmul: products of matrices, one or a batch of them, on the gemm kernel.
//   (..., m, k) x (k, n)          one product: the leading axes of a are rows
//   (s..., m, k) x (s..., k, n)   a batch of products with equal leading axes
// trans_a and trans_b say that the last two axes of an operand are stored the other way round.
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

// Sizes as dimensions: negative ones depend on the number of rows of the run.
struct Geometry {
  int64_t m = 0, n = 0, k = 0, batch = 1;
  Shape output;
};

Geometry geometry(const InferContext& context) {
  const Shape& a = context.inputs[0].shape;
  const Shape& b = context.inputs[1].shape;
  const bool trans_a = context.attributes.flag("trans_a"), trans_b = context.attributes.flag("trans_b");
  auto wrong = [&](const std::string& why) {
    context.fail(why + "; a " + to_string(a) + (trans_a ? " transposed" : "") + ", b " + to_string(b) +
                 (trans_b ? " transposed" : ""));
  };
  if (a.size() < 2 || b.size() < 2) wrong("both operands need at least 2 dimensions");
  const size_t ra = a.size(), rb = b.size();
  Geometry result;
  const int64_t ka = trans_a ? a[ra - 2] : a[ra - 1];
  const int64_t kb = trans_b ? b[rb - 1] : b[rb - 2];
  if (ka != kb) wrong("the inner sizes " + to_string(Shape{ka}) + " and " + to_string(Shape{kb}) + " differ");
  result.k = ka;
  result.n = trans_b ? b[rb - 2] : b[rb - 1];
  if (rb == 2) {
    if (trans_a && ra != 2) wrong("a transposed left operand of more than 2 dimensions needs a right one of as many");
    result.m = trans_a ? a[1] : merged_dim(a, 0, ra - 1);
    result.output = Shape(a.begin(), a.end() - 1);
    if (trans_a) result.output = {a[1]};
    result.output.push_back(result.n);
    return result;
  }
  if (ra != rb || !std::equal(a.begin(), a.end() - 2, b.begin())) wrong("the leading axes differ");
  result.m = trans_a ? a[ra - 1] : a[ra - 2];
  result.batch = merged_dim(a, 0, ra - 2);
  result.output = Shape(a.begin(), a.end() - 2);
  result.output.push_back(result.m);
  result.output.push_back(result.n);
  return result;
}

void infer_matmul(InferContext& context) {
  if (context.inputs.size() < 2) context.fail("takes 2 inputs, got " + std::to_string(context.inputs.size()));
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  const Geometry sizes = geometry(context);
  const size_t extra = static_cast<size_t>(context.attributes.flag("bias")) + context.attributes.flag("residual");
  context.expect_inputs(2 + extra);
  infer_epilogue(context, 2, sizes.output);
  context.outputs.push_back({DType::f32, sizes.output});
}

void grad_matmul(GradientContext& g) {
  const bool trans_a = g.attributes().flag("trans_a"), trans_b = g.attributes().flag("trans_b");
  const int a = g.input(0), b = g.input(1), dy = g.dy();
  auto product = [&](int left, bool trans_left, int right, bool trans_right) {
    return g.add("matmul", {left, right}, {{"trans_a", trans_left}, {"trans_b", trans_right}});
  };
  if (g.needs(0)) g.set(0, trans_a ? product(b, trans_b, dy, true) : product(dy, false, b, !trans_b));
  if (!g.needs(1)) return;
  // With a right operand of rank 2, all leading axes of a and dy are rows.
  auto rows = [&](int value) {
    const Shape& shape = g.type(value).shape;
    if (shape.size() == 2 || g.type(b).shape.size() > 2) return value;
    return g.add("reshape", {value}, {{"shape", Ints{merged_dim(shape, 0, shape.size() - 1), shape.back()}}});
  };
  const int left = rows(a), right = rows(dy);
  g.set(1, trans_b ? product(right, true, left, trans_a) : product(left, !trans_a, right, false));
}

// Packed nodes carry the shape of b as it was.
constexpr const char* kShapeOfB = "b_shape";

Lowered lower_matmul(const LowerContext& context) {
  const Attribute* packed = context.node.attributes.find(kShapeOfB);
  InferContext shapes{.name = context.node.label(), .attributes = context.node.attributes, .inputs = {}, .outputs = {}};
  for (size_t i = 0; i < context.node.inputs.size(); ++i) shapes.inputs.push_back(context.input(i));
  if (packed) shapes.inputs[1].shape = std::get<Ints>(*packed);
  const Geometry sizes = geometry(shapes);
  const bool trans_a = context.node.attributes.flag("trans_a"), trans_b = context.node.attributes.flag("trans_b");
  auto arguments = [sizes, trans_a, trans_b](int64_t n) {
    GemmArgs args;
    args.m = extent(sizes.m, n);
    args.n = extent(sizes.n, n);
    args.k = extent(sizes.k, n);
    args.trans_a = trans_a;
    args.trans_b = trans_b;
    args.lda = trans_a ? args.m : args.k;
    args.ldb = trans_b ? args.k : args.n;
    args.ldc = args.n;
    args.batch = extent(sizes.batch, n);
    args.stride_a = args.m * args.k;
    args.stride_b = args.k * args.n;
    args.stride_c = args.m * args.n;
    return args;
  };
  const EpilogueInputs epilogue = epilogue_inputs(context.node, 2);
  return {.run =
              [arguments, epilogue, a = context.node.inputs[0], b = context.node.inputs[1], c = context.node.outputs[0],
               is_packed = packed != nullptr, gemm = context.kernels.gemm](Run& run) {
                GemmArgs args = arguments(run.n);
                args.a = run.f32(a);
                (is_packed ? args.packed_b : args.b) = run.f32(b);
                args.c = run.out(c);
                args.epilogue = epilogue.at(run);
                gemm(args, run.launch);
              },
          .workspace = context.kernels.gemm_workspace(arguments(context.capacity)),
          .explain_bad_row = nullptr};
}

// ---- weights that stay the same (graph/prepare.h): matmul_pack and matmul_packed are internal

bool scalable(const Graph& graph, const Node& node) {
  return graph.type(node.inputs[1]).shape.size() == 2 && !node.attributes.flag("trans_b");
}

// b (k, n), or (n, k) when trans_b, for up to m rows of a.
GemmArgs packing_arguments(const Shape& b, bool trans_b, int64_t m) {
  GemmArgs args;
  args.m = m;
  args.n = b[trans_b ? 0 : 1];
  args.k = b[trans_b ? 1 : 0];
  args.ldb = b[1];
  args.trans_b = trans_b;
  return args;
}

Lowered lower_pack(const LowerContext& context) {
  const Attributes& attributes = context.node.attributes;
  const GemmArgs sizes =
      packing_arguments(context.input(0).shape, attributes.flag("trans_b"), attributes.integer("rows"));
  return {.run =
              [sizes, b = context.node.inputs[0], packed = context.node.outputs[0],
               pack = context.kernels.gemm_pack_b](Run& run) {
                GemmArgs args = sizes;
                args.b = run.f32(b);
                pack(args, run.out(packed), run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

const OpDef matmul_pack = {.name = "matmul_pack", .lower = lower_pack};
const OpDef matmul_packed = {.name = "matmul_packed", .lower = lower_matmul};

void pack_matmul(Graph& graph, int index, const KernelTable& kernels, int64_t capacity) {
  const Node& node = graph.node(index);
  const int b = node.inputs[1];
  const Shape shape = graph.type(b).shape;
  if (shape.size() != 2) return;  // a batch of products
  const bool trans_b = node.attributes.flag("trans_b");
  const int64_t columns = shape[trans_b ? 0 : 1];
  const int64_t rows = columns ? element_count(graph.type(node.outputs[0]).shape, capacity) / columns : 0;
  const size_t bytes = kernels.gemm_packed_size(packing_arguments(shape, trans_b, rows));
  if (bytes == 0) return;
  const int packed = graph.append({.op = &matmul_pack,
                                   .inputs = {b},
                                   .outputs = {},
                                   .attributes = {{"trans_b", trans_b}, {"rows", rows}},
                                   .layer = node.layer,
                                   .dead = false,
                                   .program = nullptr},
                                  {DType::f32, {static_cast<int64_t>(bytes / sizeof(float))}});
  Node& reader = graph.node(index);
  reader.op = &matmul_packed;
  reader.inputs[1] = packed;
  reader.attributes.set(kShapeOfB, shape);
}

}  // namespace

const OpList& matmul_ops() {
  static const OpList ops = {{.name = "matmul",
                              .attributes = with_epilogue({{"trans_a", false}, {"trans_b", false}}),
                              .infer = infer_matmul,
                              .gradient = grad_matmul,
                              .lower = lower_matmul,
                              .takes_epilogue = true,
                              .scalable = scalable,
                              .pack = pack_matmul}};
  return ops;
}

}  // namespace linnet
