// Images sampled at transformed places (kernels.h says how): the operation under RandomFlip, RandomCrop,
// RandomRotation, RandomTranslation, RandomZoom and ops.image.affine_transform.
//
// images (n, h, w, c), transforms (n, 8), or (1, 8) for all; `size` is the output's (height, width), empty for the
// images' own. The gradient in the images gives back what was taken; that of the transforms is not computed (zero).
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

FillMode fill_mode(const std::string& name) {
  if (name == "constant") return FillMode::constant;
  if (name == "nearest") return FillMode::nearest;
  if (name == "wrap") return FillMode::wrap;
  if (name == "mirror") return FillMode::mirror;
  if (name == "reflect") return FillMode::reflect;
  throw std::invalid_argument("unknown fill_mode '" + name + "'; use constant, nearest, wrap, mirror or reflect");
}

bool bilinear(const std::string& interpolation) {
  if (interpolation != "bilinear" && interpolation != "nearest")
    throw std::invalid_argument("unknown interpolation '" + interpolation + "'; use bilinear or nearest");
  return interpolation == "bilinear";
}

AffineArgs args_of(const Attributes& attributes, const Shape& x, const Shape& transforms) {
  const Ints& size = attributes.ints("size");
  AffineArgs args;
  args.n = x[0];
  args.h = x[1];
  args.w = x[2];
  args.c = x[3];
  args.oh = size.empty() ? x[1] : size[0];
  args.ow = size.empty() ? x[2] : size[1];
  args.one_transform = transforms[0] != x[0];
  args.bilinear = bilinear(attributes.text("interpolation"));
  args.fill = fill_mode(attributes.text("fill_mode"));
  args.fill_value = static_cast<float>(attributes.number("fill_value"));
  return args;
}

// The output's shape for images of shape x.
Shape checked(const InferContext& context, const Shape& x) {
  const Attributes& attributes = context.attributes;
  const std::string given = "; images " + to_string(x);
  if (x.size() != 4) context.fail("images must have 4 dimensions (batch, height, width, channels)" + given);
  if (x[1] < 1 || x[2] < 1 || x[3] < 0) context.fail("only the batch may be open, and there must be a pixel" + given);
  if (x[1] * x[2] * x[3] >= int64_t{1} << 31) context.fail("an image must have less than 2^31 values" + given);
  const Shape& transforms = context.inputs[1].shape;
  if (transforms.size() != 2 || transforms[1] != 8 || (transforms[0] != x[0] && transforms[0] != 1)) {
    context.fail("transforms must be 8 numbers for each image, or for all, got " + to_string(transforms) + given);
  }
  const Ints& size = attributes.ints("size");
  if (!size.empty() && (size.size() != 2 || size[0] < 0 || size[1] < 0)) {
    context.fail("size must be (height, width), got " + to_string(size));
  }
  const AffineArgs args = args_of(attributes, x, transforms);
  return {args.n, args.oh, args.ow, args.c};
}

void infer_affine(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  context.outputs.push_back({DType::f32, checked(context, context.inputs[0].shape)});
}

void infer_affine_grad(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  const Shape& x = context.attributes.ints("shape");
  const Shape y = checked(context, x);
  if (context.inputs[0].shape != y) {
    context.fail("the gradient has shape " + to_string(context.inputs[0].shape) + ", the output " + to_string(y));
  }
  context.outputs.push_back({DType::f32, x});
}

void grad_affine(GradientContext& g) {
  Attributes attributes = g.attributes();
  attributes.set("shape", g.type(g.input(0)).shape);
  if (g.needs(0)) g.set(0, g.add("affine_transform_grad", {g.dy(), g.input(1)}, attributes));
}

// The gradient is linear in dy, and its transpose the sampling, with nothing outside.
void grad_affine_grad(GradientContext& g) {
  const Attributes& given = g.attributes();
  const Shape& y = g.type(g.input(0)).shape;
  Attributes attributes = {{"size", Ints{y[1], y[2]}}};
  for (const char* name : {"interpolation", "fill_mode"}) attributes.set(name, *given.find(name));
  if (g.needs(0)) g.set(0, g.add("affine_transform", {g.dy(), g.input(1)}, attributes));
}

// The arguments for images of shape x, but for the transforms themselves.
AffineArgs at(AffineArgs args, const Run& run, int transforms) {
  args.n = extent(args.n, run.n);
  args.transforms = run.f32(transforms);
  return args;
}

Lowered lower_affine(const LowerContext& context) {
  return {.run = [args = args_of(context.node.attributes, context.input(0).shape, context.input(1).shape),
                  x = context.node.inputs[0], transforms = context.node.inputs[1], y = context.node.outputs[0],
                  sample = context.kernels.affine_transform_forward](
                     Run& run) { sample(at(args, run, transforms), run.f32(x), run.out(y), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_affine_grad(const LowerContext& context) {
  return {.run = [args = args_of(context.node.attributes, context.output(0).shape, context.input(1).shape),
                  dy = context.node.inputs[0], transforms = context.node.inputs[1], dx = context.node.outputs[0],
                  give_back = context.kernels.affine_transform_grad](
                     Run& run) { give_back(at(args, run, transforms), run.f32(dy), run.out(dx), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& affine_transform_ops() {
  static const OpList ops = [] {
    const std::vector<AttributeSpec> own = {{"interpolation", std::string("bilinear")},
                                            {"fill_mode", std::string("constant")},
                                            {"fill_value", 0.0},
                                            {"size", Ints{}}};
    std::vector<AttributeSpec> own_of = own;
    own_of.push_back({"shape", Ints{}, true});
    return OpList{
        {.name = "affine_transform",
         .attributes = own,
         .infer = infer_affine,
         .gradient = grad_affine,
         .lower = lower_affine},
        {.name = "affine_transform_grad",
         .attributes = own_of,
         .infer = infer_affine_grad,
         .gradient = grad_affine_grad,
         .lower = lower_affine_grad},
    };
  }();
  return ops;
}

}  // namespace linnet
