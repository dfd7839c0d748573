// Pointwise programs: any chain of elementwise operations in one pass over memory.
//
// The iteration space is walked in tiles of kTile elements, and the whole program runs on one tile before the next:
// what lies between two instructions is a register, a kTile-long piece of thread scratch that stays in L1. A register
// is a pointer (Frame::operand): an input that is contiguous is read where it lies, an instruction whose result is an
// output writes it where it belongs, so a program of one instruction moves each byte once.
//
// An input that an output overwrites (in place) before its last use is kept in scratch for the length of a tile. A
// constant is written once per thread tile. A result that no cache could hold until it is read is stored past the
// caches, by its instruction or else from scratch: a plain store would read each line first. While the several
// instructions of a tile run, the next tile is asked for.
//
// Broadcast inputs become contiguous, too:
//   pattern   a scalar, or a vector along the last axes (bias) that repeats every `period` elements: written once per
//             thread tile as kTile + period elements, then read at offset begin % period;
//   general   anything else: the tile's elements are collected into scratch, run by run of the innermost axis (of the
//             two innermost where they are short: a mean of each image's colours, a mask of its pixels), unless they
//             are those of the tile before: a mask of each image's channels.
// Start reading at run_tiles; the instructions are in pointwise_ops.cpp.
#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/pointwise_ops.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kTile = 512;
constexpr int64_t kRegisterStride = kTile + 16;  // registers do not lie 2 KB apart, which would alias in L1
constexpr int64_t kMaxPeriod = 512;
constexpr int64_t kShortRun = 64;  // elements; longer ones are worth a loop each
static_assert(kTile % 64 == 0);    // room for the random words of whole steps (make_words)
static_assert((kMaxRegisters * kRegisterStride + kTile + kMaxPointwiseInputs * (kTile + kMaxPeriod) +
               kMaxInstructions * kTile) *
                  4 <=
              kThreadScratchBytes);

enum class Access { contiguous, kept, pattern, general };

// The program with everything that does not depend on the position worked out.
struct Plan {
  const PointwiseArgs* args;
  int rank;  // after merging axes; the strides of merged axes are in `strides`
  int64_t shape[kMaxRank];
  int64_t strides[kMaxPointwiseInputs][kMaxRank];
  Access access[kMaxPointwiseInputs];
  int64_t period[kMaxPointwiseInputs];  // of a pattern: 1 for a scalar
  int8_t direct[kMaxInstructions];      // the output this instruction writes straight to memory, or -1
  bool copied[kMaxPointwiseOutputs];    // the output is copied from its register when the tile is done,
  bool past[kMaxPointwiseOutputs];      // past the caches
  bool ahead;                           // several instructions: memory would idle while they run, so ask it for more
  int64_t elements, cost;               // cost of one element, in the unit of tiles.h
};

// Drops axes of length 1 and merges neighbours that every input walks as one.
void merge_axes(const PointwiseArgs& args, Plan& plan) {
  plan.rank = 0;
  for (int d = 0; d < args.rank; ++d) {
    if (args.shape[d] == 1) continue;
    bool merge = plan.rank > 0;
    for (int k = 0; merge && k < args.inputs; ++k)
      merge = plan.strides[k][plan.rank - 1] == args.in_strides[k][d] * args.shape[d];
    if (merge) {
      plan.shape[plan.rank - 1] *= args.shape[d];
    } else {
      plan.shape[plan.rank++] = args.shape[d];
    }
    for (int k = 0; k < args.inputs; ++k) plan.strides[k][plan.rank - 1] = args.in_strides[k][d];
  }
}

// An input is periodic when its last axes are contiguous and it is constant along all before them.
void classify(int input, Plan& plan) {
  const int64_t* strides = plan.strides[input];
  int64_t period = 1;
  int d = plan.rank - 1;
  for (; d >= 0 && strides[d] == period; --d) period *= plan.shape[d];
  if (d < 0 && plan.rank > 0) {
    plan.access[input] = Access::contiguous;
    return;
  }
  for (; d >= 0 && strides[d] == 0; --d) {
  }
  plan.period[input] = period;
  plan.access[input] = d < 0 && period <= kMaxPeriod ? Access::pattern : Access::general;
}

bool reads(const Instruction& i, int reg) {
  if (i.op >= Opcode::constant) return false;
  return i.a == reg || (i.op <= Opcode::clip && i.b == reg) ||
         ((i.op == Opcode::where || i.op == Opcode::clip) && i.c == reg);
}

// The last instruction that writes a register, or -1.
int writer_of(const PointwiseArgs& args, int reg) {
  int writer = -1;
  for (int i = 0; i < args.instructions; ++i)
    if (args.program[i].dst == reg) writer = i;
  return writer;
}

// True when an output lies over this input and is written while the input's old value is still needed.
bool overwritten_early(const PointwiseArgs& args, int input) {
  for (int k = 0; k < args.outputs; ++k) {
    if (args.out[k] != args.in[input]) continue;
    for (int i = writer_of(args, args.out_register[k]) + 1; i < args.instructions; ++i)
      if (reads(args.program[i], input)) return true;
    for (int other = 0; other < args.outputs; ++other)
      if (other != k && args.out_register[other] == input) return true;
  }
  return false;
}

// Whether output k goes past the caches: it is too large to be found there by whoever reads it, its vectors are
// aligned, and its lines are not there already because an input lies in the same place.
bool past_caches(const Plan& plan, int k, int64_t cache) {
  const PointwiseArgs& args = *plan.args;
  for (int i = 0; i < args.inputs; ++i)
    if (args.in[i] == args.out[k]) return false;
  return plan.elements * static_cast<int64_t>(sizeof(float)) >= cache / 2 &&
         reinterpret_cast<intptr_t>(args.out[k]) % 64 == 0;
}

// Whether the instruction that computes output k may itself store it past the caches: nobody reads it afterwards.
bool ends_past_caches(const PointwiseArgs& args, int k, int writer) {
  const int reg = args.out_register[k];
  for (int i = writer + 1; i < args.instructions; ++i)
    if (reads(args.program[i], reg)) return false;
  for (int other = 0; other < args.outputs; ++other)
    if (other != k && args.out_register[other] == reg) return false;
  return goes_past_caches(args.program[writer].op);
}

Plan make_plan(const PointwiseArgs& args, int64_t cache) {
  Plan plan;
  plan.args = &args;
  merge_axes(args, plan);
  plan.elements = 1;
  for (int d = 0; d < plan.rank; ++d) plan.elements *= plan.shape[d];
  for (int k = 0; k < args.inputs; ++k) {
    classify(k, plan);
    if (overwritten_early(args, k)) plan.access[k] = Access::kept;
  }

  int64_t cost = args.inputs + args.outputs, steps = 0;
  for (int i = 0; i < args.instructions; ++i) {
    plan.direct[i] = -1;
    steps += args.program[i].op != Opcode::constant;
    cost += instruction_cost(args.program[i].op);
  }
  for (int k = 0; k < args.outputs; ++k) {
    const int writer = writer_of(args, args.out_register[k]);
    plan.past[k] = past_caches(plan, k, cache);
    plan.copied[k] = writer < 0 || plan.direct[writer] >= 0 || (plan.past[k] && !ends_past_caches(args, k, writer));
    if (!plan.copied[k]) plan.direct[writer] = static_cast<int8_t>(k);
  }

  plan.cost = cost;
  plan.ahead = steps > 1 && 4 * plan.elements * (args.inputs + args.outputs) >= cache / 8;
  return plan;
}

// Elements first .. first + n of a row of `length` that repeats without end.
void repeat_row(const float* row, int64_t length, int64_t first, int64_t n, float* to) {
  int64_t done = 0;
  for (; done < n && done < length; ++done)
    to[done] = row[first + done < length ? first + done : first + done - length];
  for (int64_t part = done; done < n; done += part) {  // twice as many every time; whole rows, so they stay in phase
    part = done < n - done ? done : n - done;
    __builtin_memcpy(to + done, to, static_cast<size_t>(part) * sizeof(float));
  }
}

// Elements first .. first + n of values that stand `length` times each.
void repeat_values(const float* values, int64_t length, int64_t first, int64_t n, float* to) {
  int64_t done = 0;
  for (; done < n && first != 0; first = (first + 1) % length) to[done++] = values[0];
  if (done > 0 && first == 0) ++values;
  const auto whole = [&](int64_t count) {
    for (; done + count <= n; done += count, ++values)
      for (int64_t i = 0; i < count; ++i) to[done + i] = values[0];
  };
  if (length == 3) {  // a mask of pixels over their colours
    whole(3);
  } else {
    whole(length);
  }
  for (; done < n; ++done) to[done] = values[0];
}

// What the last `collect` left in its buffer, if it may serve again: `count` elements of a row or of one value that
// repeats, from `phase` on.
struct Held {
  const float* row;
  int64_t phase, count;
};

// Elements begin .. begin + n of a general input: where they lie if one run holds them all, else collected in `buffer`.
const float* collect(const Plan& plan, int input, int64_t begin, int64_t n, float* buffer /* (kTile) */, Held& held) {
  const int64_t* strides = plan.strides[input];
  const int last = plan.rank - 1;
  int64_t index[kMaxRank];
  int64_t rest = begin, offset = 0;
  for (int d = last; d >= 0; --d) {
    index[d] = rest % plan.shape[d];
    rest /= plan.shape[d];
    offset += index[d] * strides[d];
  }
  const float* source = plan.args->in[input];
  const int64_t length = plan.shape[last], step = strides[last];
  if (step == 1 && index[last] + n <= length) return source + offset;

  const bool repeated = last > 0 && (step == 0 || step == 1) && strides[last - 1] == 0;
  int64_t alike = step == 0 ? length - index[last] : 0;  // elements from here on that repeat what one run holds
  if (repeated) alike = (plan.shape[last - 1] - index[last - 1]) * length - index[last];
  if (n <= alike) {
    const Held now = {source + offset - index[last] * step, index[last] * step, n};
    if (held.row == now.row && held.phase == now.phase && n <= held.count) return buffer;
    held = now;
  } else {
    held.row = nullptr;
  }

  // Short rows that repeat along the axis before, and short runs of one value beside another: both axes are one run.
  const bool rows = last > 0 && length <= kShortRun && step == 1 && strides[last - 1] == 0;
  const bool values = last > 0 && length <= kShortRun && step == 0 && strides[last - 1] == 1;
  const bool both = rows || values || (last > 0 && step == 0 && strides[last - 1] == 0);
  for (int64_t done = 0; done < n;) {
    int64_t left = length - index[last];
    if (both) left += (plan.shape[last - 1] - 1 - index[last - 1]) * length;
    const int64_t run = left < n - done ? left : n - done;
    const float* from = source + offset;
    float* to = buffer + done;
    if (rows) {
      repeat_row(from - index[last], length, index[last], run, to);
    } else if (values) {
      repeat_values(from, length, index[last], run, to);
    } else if (step == 0) {
      const float value = *from;
      for (int64_t i = 0; i < run; ++i) to[i] = value;
    } else if (step == 1) {
      for (int64_t i = 0; i < run; ++i) to[i] = from[i];
    } else {
      for (int64_t i = 0; i < run; ++i) to[i] = from[i * step];
    }
    done += run;
    offset -= index[last] * step;
    index[last] = 0;
    if (both) {
      offset += (plan.shape[last - 1] - 1 - index[last - 1]) * strides[last - 1];
      index[last - 1] = plan.shape[last - 1] - 1;
    }
    for (int d = last - 1; d >= 0; --d) {  // to the next run
      offset += strides[d];
      if (++index[d] < plan.shape[d]) break;
      offset -= plan.shape[d] * strides[d];
      index[d] = 0;
    }
  }
  return buffer;
}

// Where the registers of a thread tile are.
struct Frame {
  const float* operand[kMaxRegisters];  // the register's current value
  float* storage;                       // register r may be kept at storage + r * kRegisterStride
  float* patterns[kMaxPointwiseInputs];
  float* constants[kMaxInstructions];  // what the instructions `constant` write
  Held held[kMaxPointwiseInputs];
  uint32_t* words;
};

// Asks for n elements that come next.
void ask_for(const float* p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(p + i, 0, 2);
}

// The program on elements begin .. begin + n, n <= kTile, of which `ahead` more follow (kTile at most).
void run_program(const Plan& plan, Frame& frame, int64_t begin, int64_t n, int64_t ahead) {
  const PointwiseArgs& args = *plan.args;
  for (int k = 0; k < args.inputs; ++k) {
    switch (plan.access[k]) {
      case Access::contiguous:
        frame.operand[k] = args.in[k] + begin;
        if (plan.ahead) ask_for(args.in[k] + begin + n, ahead);
        break;
      case Access::kept: {
        float* copy = frame.storage + k * kRegisterStride;
        for (int64_t i = 0; i < n; ++i) copy[i] = args.in[k][begin + i];
        frame.operand[k] = copy;
        break;
      }
      case Access::pattern:
        frame.operand[k] = frame.patterns[k] + (plan.period[k] == 1 ? 0 : begin % plan.period[k]);
        break;
      case Access::general:
        frame.operand[k] = collect(plan, k, begin, n, frame.storage + k * kRegisterStride, frame.held[k]);
        break;
    }
  }
  const RandomContext random = {args.seed, args.step, begin, frame.words};
  for (int i = 0; i < args.instructions; ++i) {
    const Instruction& instruction = args.program[i];
    if (instruction.op == Opcode::constant && plan.direct[i] < 0) {
      frame.operand[instruction.dst] = frame.constants[i];
      continue;
    }
    float* dst =
        plan.direct[i] >= 0 ? args.out[plan.direct[i]] + begin : frame.storage + instruction.dst * kRegisterStride;
    const float *a = frame.operand[instruction.a], *b = frame.operand[instruction.b], *c = frame.operand[instruction.c];
    if (plan.direct[i] >= 0 && plan.past[plan.direct[i]]) {
      execute_past_caches(instruction, n, dst, a, b, c);
    } else {
      execute(instruction, n, dst, a, b, c, random);
    }
    frame.operand[instruction.dst] = dst;
  }
  for (int k = 0; k < args.outputs; ++k) {
    if (!plan.copied[k]) continue;
    const float* from = frame.operand[args.out_register[k]];
    float* to = args.out[k] + begin;
    if (plan.past[k]) {
      write_aligned<true>(to, n, [=](int64_t at, int64_t lanes) { return load_some(from + at, lanes, 0.0f); });
    } else if (from != to) {
      for (int64_t i = 0; i < n; ++i) to[i] = from[i];
    }
  }
}

// Tiles `first` .. `last` of kTile elements: sets up registers and patterns, then runs the program on each.
void run_tiles(const Plan& plan, int64_t first, int64_t last, float* scratch) {
  const int64_t begin = first * kTile;
  const int64_t end = last * kTile < plan.elements ? last * kTile : plan.elements;
  const int64_t longest = end - begin < kTile ? end - begin : kTile;

  Frame frame = {};
  frame.storage = scratch;
  scratch += kMaxRegisters * kRegisterStride;
  frame.words = reinterpret_cast<uint32_t*>(scratch);
  scratch += kTile;
  for (int k = 0; k < plan.args->inputs; ++k) {
    if (plan.access[k] != Access::pattern) continue;
    const float* source = plan.args->in[k];
    const int64_t period = plan.period[k];
    frame.patterns[k] = scratch;
    scratch += kTile + kMaxPeriod;
    if (period == 1) {
      for (int64_t i = 0; i < longest; ++i) frame.patterns[k][i] = source[0];
    } else {
      for (int64_t i = 0; i < longest + period; i += period)
        for (int64_t j = 0; j < period && i + j < longest + period; ++j) frame.patterns[k][i + j] = source[j];
    }
  }
  for (int i = 0; i < plan.args->instructions; ++i) {
    const Instruction& instruction = plan.args->program[i];
    if (instruction.op != Opcode::constant) continue;
    frame.constants[i] = scratch;
    scratch += kTile;
    for (int64_t j = 0; j < longest; ++j) frame.constants[i][j] = instruction.imm;
  }
  for (int64_t at = begin; at < end; at += kTile) {
    const int64_t n = min_of(kTile, end - at);
    run_program(plan, frame, at, n, min_of(kTile, end - at - n));
  }
  finish_past_caches();
}

}  // namespace

void pointwise(const PointwiseArgs& args, const Launch& launch) {
  const Plan plan = make_plan(args, launch.cache);
  for_tiles(launch, (plan.elements + kTile - 1) / kTile, kTile * plan.cost,
            [&](int64_t first, int64_t last, float* scratch) { run_tiles(plan, first, last, scratch); });
}

}  // namespace linnet::LINNET_ISA
