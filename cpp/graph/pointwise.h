// Pointwise nodes as programs. Each pointwise operation knows how to emit a few instructions; a chain of them becomes
// one program that the pointwise kernel runs tile by tile (kernels.h), so that what lies between stays in L1.
// There is no code generator: fusing means concatenating instruction lists.
#pragma once
#include <string>
#include <vector>

#include "graph/graph.h"

namespace linnet {

struct PointwiseProgram {
  Shape shape;                            // iteration space; all outputs have it
  std::vector<Instruction> instructions;  // registers 0 .. inputs-1 are the node's inputs
  int inputs = 0;
  std::vector<uint8_t> out_registers;  // one per output of the node
  int registers = 0;

  // An input may share memory with an output when nothing reads the input after that output is written.
  bool may_overwrite(int input, int output) const;
};

std::string to_string(const PointwiseProgram& program);

// What an operation's `emit` writes to. Registers are numbered freely here and packed at the end.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(const Graph& graph) : graph_(graph) {}

  int input(const Node& node, size_t i) { return register_of(node.inputs[i]); }
  int emit(Opcode op, int a = 0, int b = 0, int c = 0);
  int constant(float value);
  int random(Opcode op, int32_t stream);
  void define(int value, int reg) { registers_.emplace_back(value, reg); }

  // Appends the instructions of one node.
  void append(const Node& node);

  // The finished program. `outputs` are the values to store. Empty when a limit of the kernel is exceeded.
  std::optional<PointwiseProgram> finish(const Shape& shape, const std::vector<int>& outputs);
  // The values behind registers 0, 1, ... of the finished program.
  const std::vector<int>& inputs() const { return inputs_; }

 private:
  struct Draft {
    Opcode op;
    int dst, a, b, c;
    float imm;
    int32_t stream;
  };
  int register_of(int value);
  // Makes one instruction of a minimum of a maximum that nobody else reads; `wanted` are read at the end.
  void join_limits(const std::vector<int>& wanted);

  const Graph& graph_;
  std::vector<std::pair<int, int>> registers_;  // value -> register
  std::vector<std::pair<float, int>> constants_;
  std::vector<int> inputs_;
  std::vector<int> input_registers_;
  std::vector<Draft> drafts_;
  int next_ = 0;
};

// The operation of every pointwise node after fusion. Internal: it is not in the registry.
extern const OpDef fused_pointwise;

// Number of register operands an opcode reads.
int operand_count(Opcode op);
const char* name_of(Opcode op);

}  // namespace linnet
