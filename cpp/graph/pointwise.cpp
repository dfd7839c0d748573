// Builds pointwise programs and launches them (pointwise.h).
//
// Building: operations emit drafts with registers of their own; `finish` numbers the inputs first and then gives each
// result the lowest register that is free by then. A minimum of a maximum that nobody else reads is one instruction.
// Launching: when every input has the iteration shape or one element, the program runs over one flat loop; else strides
// of 0 stand for broadcasting.
#include "graph/pointwise.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <sstream>

namespace linnet {
namespace {

constexpr const char* kOpcodeNames[] = {
    "add",           "subtract",      "multiply",     "divide",     "maximum",
    "minimum",       "power",         "floor_divide", "mod",        "arctan2",
    "divide_no_nan", "equal",         "not_equal",    "less",       "less_equal",
    "greater",       "greater_equal", "logical_and",  "logical_or", "relu_grad",
    "where",         "clip",          "negative",     "absolute",   "sign",
    "square",        "sqrt",          "rsqrt",        "reciprocal", "exp",
    "expm1",         "log",           "log1p",        "sin",        "cos",
    "tan",           "tanh",          "sigmoid",      "softplus",   "erf",
    "floor",         "ceil",          "round",        "relu",       "logical_not",
    "is_nan",        "is_finite",     "copy",         "constant",   "random_uniform",
    "random_normal"};
static_assert(sizeof kOpcodeNames / sizeof *kOpcodeNames == static_cast<size_t>(Opcode::count));

}  // namespace

const char* name_of(Opcode op) { return kOpcodeNames[static_cast<size_t>(op)]; }

int operand_count(Opcode op) {
  if (op <= Opcode::relu_grad) return 2;
  if (op == Opcode::where || op == Opcode::clip) return 3;
  return op >= Opcode::constant ? 0 : 1;
}

bool PointwiseProgram::may_overwrite(int input, int output) const {
  const uint8_t target = out_registers[static_cast<size_t>(output)];
  size_t written = instructions.size();
  for (size_t i = 0; i < instructions.size(); ++i) {
    if (instructions[i].dst == target) written = i;
  }
  for (size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    const uint8_t operands[] = {instruction.a, instruction.b, instruction.c};
    for (int j = 0; j < operand_count(instruction.op); ++j) {
      if (operands[j] == input && i > written) return false;
    }
  }
  return true;
}

std::string to_string(const PointwiseProgram& program) {
  std::ostringstream out;
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    const int operands[] = {instruction.a, instruction.b, instruction.c};
    out << (i ? "; r" : "r") << int{instruction.dst} << "=" << name_of(instruction.op);
    for (int j = 0; j < operand_count(instruction.op); ++j) out << (j ? ",r" : " r") << operands[j];
    if (instruction.op == Opcode::constant) out << " " << instruction.imm;
  }
  return out.str();
}

int ProgramBuilder::emit(Opcode op, int a, int b, int c) {
  drafts_.push_back({op, next_, a, b, c, 0.0f, 0});
  return next_++;
}

int ProgramBuilder::constant(float value) {
  for (const auto& [known, reg] : constants_) {
    if (std::memcmp(&known, &value, sizeof value) == 0) return reg;
  }
  drafts_.push_back({Opcode::constant, next_, 0, 0, 0, value, 0});
  constants_.emplace_back(value, next_);
  return next_++;
}

int ProgramBuilder::random(Opcode op, int32_t stream) {
  drafts_.push_back({op, next_, 0, 0, 0, 0.0f, stream});
  return next_++;
}

int ProgramBuilder::register_of(int value) {
  for (const auto& [known, reg] : registers_) {
    if (known == value) return reg;
  }
  const Value& v = graph_.value(value);
  int reg;
  if (v.kind == ValueKind::constant && v.type.shape.empty() && v.type.dtype == DType::f32) {
    float scalar;
    std::memcpy(&scalar, v.data.get(), sizeof scalar);
    reg = constant(scalar);
  } else {
    reg = next_++;
    inputs_.push_back(value);
    input_registers_.push_back(reg);
  }
  define(value, reg);
  return reg;
}

void ProgramBuilder::append(const Node& node) {
  if (node.op->emit) {
    node.op->emit(*this, node);
    return;
  }
  int operands[3] = {0, 0, 0};
  for (size_t i = 0; i < node.inputs.size(); ++i) operands[i] = input(node, i);
  define(node.outputs[0], emit(*node.op->opcode, operands[0], operands[1], operands[2]));
}

void ProgramBuilder::join_limits(const std::vector<int>& wanted) {
  std::vector<int> uses(static_cast<size_t>(next_), 0);
  for (const Draft& draft : drafts_) {
    const int operands[] = {draft.a, draft.b, draft.c};
    for (int j = 0; j < operand_count(draft.op); ++j) ++uses[static_cast<size_t>(operands[j])];
  }
  for (int reg : wanted) ++uses[static_cast<size_t>(reg)];
  for (Draft& draft : drafts_) {
    if (draft.op != Opcode::minimum || uses[static_cast<size_t>(draft.a)] != 1) continue;
    for (const Draft& before : drafts_) {
      if (before.dst != draft.a || before.op != Opcode::maximum) continue;
      uses[static_cast<size_t>(draft.a)] = 0;
      draft = {Opcode::clip, draft.dst, before.a, before.b, draft.b, 0.0f, 0};
      break;
    }
  }
  std::erase_if(drafts_, [&](const Draft& draft) {
    return draft.op == Opcode::maximum && uses[static_cast<size_t>(draft.dst)] == 0;
  });
}

std::optional<PointwiseProgram> ProgramBuilder::finish(const Shape& shape, const std::vector<int>& outputs) {
  PointwiseProgram program;
  program.shape = shape;
  program.inputs = static_cast<int>(inputs_.size());
  if (inputs_.size() > kMaxPointwiseInputs || outputs.size() > kMaxPointwiseOutputs ||
      drafts_.size() > kMaxInstructions) {
    return std::nullopt;
  }
  std::vector<int> out_drafts;
  for (int value : outputs) out_drafts.push_back(register_of(value));
  if (inputs_.size() != static_cast<size_t>(program.inputs)) return std::nullopt;  // an output nobody computes
  join_limits(out_drafts);
  // Last reader of every draft register; outputs live to the end.
  std::vector<size_t> last_use(static_cast<size_t>(next_), 0);
  for (size_t i = 0; i < drafts_.size(); ++i) {
    const int operands[] = {drafts_[i].a, drafts_[i].b, drafts_[i].c};
    for (int j = 0; j < operand_count(drafts_[i].op); ++j) last_use[static_cast<size_t>(operands[j])] = i;
  }
  for (int reg : out_drafts) last_use[static_cast<size_t>(reg)] = drafts_.size();

  std::vector<int> packed(static_cast<size_t>(next_), -1);
  for (size_t i = 0; i < inputs_.size(); ++i) packed[static_cast<size_t>(input_registers_[i])] = static_cast<int>(i);
  std::vector<size_t> free_at;  // by temporary: first instruction after its last use
  for (size_t i = 0; i < drafts_.size(); ++i) {
    const Draft& draft = drafts_[i];
    size_t slot = 0;
    while (slot < free_at.size() && free_at[slot] > i) ++slot;
    if (slot == free_at.size()) free_at.push_back(0);
    const size_t last = last_use[static_cast<size_t>(draft.dst)];
    free_at[slot] = std::max(last, i) + 1;
    const int dst = program.inputs + static_cast<int>(slot);
    if (dst >= kMaxRegisters) return std::nullopt;
    auto operand = [&](int reg) { return static_cast<uint8_t>(std::max(packed[static_cast<size_t>(reg)], 0)); };
    program.instructions.push_back({.op = draft.op,
                                    .dst = static_cast<uint8_t>(dst),
                                    .a = operand(draft.a),
                                    .b = operand(draft.b),
                                    .c = operand(draft.c),
                                    .imm = draft.imm,
                                    .stream = draft.stream});
    packed[static_cast<size_t>(draft.dst)] = dst;
  }
  program.registers = program.inputs + static_cast<int>(free_at.size());
  for (int reg : out_drafts) program.out_registers.push_back(static_cast<uint8_t>(packed[static_cast<size_t>(reg)]));
  return program;
}

namespace {

// Strides of `input` over the iteration space `shape` (0 where broadcast), for n rows.
void broadcast_strides(const Shape& input, const Shape& shape, int64_t n, int64_t* strides) {
  int64_t own[kMaxRank];
  contiguous_strides(input, n, own);
  const size_t extra = shape.size() - input.size();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const bool broadcast = axis < extra || (input[axis - extra] == 1 && shape[axis] != 1);
    strides[axis] = broadcast ? 0 : own[axis - extra];
  }
}

Lowered lower_fused(const LowerContext& context) {
  const std::shared_ptr<const PointwiseProgram> program = context.node.program;
  const Shape shape = program->shape;
  if (shape.size() > kMaxRank) throw UnsupportedError(context.node.label() + ": more than 8 dimensions");
  std::vector<Shape> input_shapes;
  bool flat = true;  // every input has the iteration shape or one element: one loop over all elements
  for (size_t i = 0; i < context.node.inputs.size(); ++i) {
    input_shapes.push_back(context.input(i).shape);
    flat = flat && (input_shapes.back() == shape || element_count(input_shapes.back(), 2) == 1);
  }
  return {.run =
              [program, shape, input_shapes, flat, inputs = context.node.inputs, outputs = context.node.outputs,
               kernel = context.kernels.pointwise](Run& run) {
                PointwiseArgs args;
                if (flat) {
                  args.rank = 1;
                  args.shape[0] = element_count(shape, run.n);
                } else {
                  args.rank = static_cast<int>(shape.size());
                  for (size_t axis = 0; axis < shape.size(); ++axis) args.shape[axis] = extent(shape[axis], run.n);
                }
                args.inputs = static_cast<int>(inputs.size());
                for (size_t i = 0; i < inputs.size(); ++i) {
                  args.in[i] = run.f32(inputs[i]);
                  if (flat) {
                    args.in_strides[i][0] = input_shapes[i] == shape ? 1 : 0;
                  } else {
                    broadcast_strides(input_shapes[i], shape, run.n, args.in_strides[i]);
                  }
                }
                args.outputs = static_cast<int>(outputs.size());
                for (size_t i = 0; i < outputs.size(); ++i) {
                  args.out[i] = run.out(outputs[i]);
                  args.out_register[i] = program->out_registers[i];
                }
                args.instructions = static_cast<int>(program->instructions.size());
                args.program = program->instructions.data();
                args.seed = run.seed;
                args.step = run.step;
                kernel(args, run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpDef fused_pointwise = {.name = "pointwise", .lower = lower_fused, .cheap = true};

}  // namespace linnet
