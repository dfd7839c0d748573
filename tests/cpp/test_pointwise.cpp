// Pointwise programs: every opcode, broadcasts of every kind, in place, long programs, several outputs, and the same
// bits at any number of threads. How close exp, tanh ... come is in test_math.cpp, random numbers are in
// test_philox.cpp.
#include <cmath>
#include <limits>
#include <numeric>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A program under construction: iteration space, inputs by strides, instructions, outputs.
struct Program {
  std::vector<int64_t> shape;
  std::vector<Instruction> code;
  PointwiseArgs args;

  explicit Program(std::vector<int64_t> space) : shape(std::move(space)) {
    args.rank = static_cast<int>(shape.size());
    std::copy(shape.begin(), shape.end(), args.shape);
  }
  int64_t elements() const { return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()); }

  Program& input(const float* data, const std::vector<int64_t>& strides) {
    args.in[args.inputs] = data;
    std::copy(strides.begin(), strides.end(), args.in_strides[args.inputs++]);
    return *this;
  }
  Program& input(const float* data) {  // contiguous
    std::vector<int64_t> strides(shape.size(), 1);
    for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
    return input(data, strides);
  }
  Program& then(Opcode op, int dst, int a = 0, int b = 0, int c = 0, float imm = 0) {
    code.push_back({op, static_cast<uint8_t>(dst), static_cast<uint8_t>(a), static_cast<uint8_t>(b),
                    static_cast<uint8_t>(c), imm, 0});
    return *this;
  }
  Program& output(float* data, int reg) {
    args.out[args.outputs] = data;
    args.out_register[args.outputs++] = static_cast<uint8_t>(reg);
    return *this;
  }
  void run(Case& on) {
    args.instructions = static_cast<int>(code.size());
    args.program = code.data();
    on.kernels.pointwise(args, on.launch());
  }
};

double python_mod(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// What each opcode means, in double. x, y, z are its operands.
double meaning(Opcode op, double x, double y, double z) {
  switch (op) {
    case Opcode::add:
      return x + y;
    case Opcode::subtract:
      return x - y;
    case Opcode::multiply:
      return x * y;
    case Opcode::divide:
      return x / y;
    case Opcode::maximum:
      return std::isnan(x) || std::isnan(y) ? kNan : std::max(x, y);
    case Opcode::minimum:
      return std::isnan(x) || std::isnan(y) ? kNan : std::min(x, y);
    case Opcode::power:
      return std::pow(x, y);
    case Opcode::floor_divide:
      return y == 0 ? x / y : std::isinf(x) ? kNan : std::floor(x / y);
    case Opcode::mod:
      return python_mod(x, y);
    case Opcode::arctan2:
      return std::atan2(x, y);
    case Opcode::divide_no_nan:
      return y == 0 ? 0 : x / y;
    case Opcode::equal:
      return x == y;
    case Opcode::not_equal:
      return x != y;
    case Opcode::less:
      return x < y;
    case Opcode::less_equal:
      return x <= y;
    case Opcode::greater:
      return x > y;
    case Opcode::greater_equal:
      return x >= y;
    case Opcode::logical_and:
      return x != 0 && y != 0;
    case Opcode::logical_or:
      return x != 0 || y != 0;
    case Opcode::relu_grad:
      return y > 0 ? x : 0;
    case Opcode::where:
      return x != 0 ? y : z;
    case Opcode::clip:
      return std::isnan(x) || std::isnan(y) || std::isnan(z) ? kNan : std::min(std::max(x, y), z);
    case Opcode::negative:
      return -x;
    case Opcode::absolute:
      return std::abs(x);
    case Opcode::sign:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case Opcode::square:
      return x * x;
    case Opcode::sqrt:
      return std::sqrt(x);
    case Opcode::rsqrt:
      return 1 / std::sqrt(x);
    case Opcode::reciprocal:
      return 1 / x;
    case Opcode::exp:
      return std::exp(x);
    case Opcode::expm1:
      return std::expm1(x);
    case Opcode::log:
      return std::log(x);
    case Opcode::log1p:
      return std::log1p(x);
    case Opcode::sin:
      return std::sin(x);
    case Opcode::cos:
      return std::cos(x);
    case Opcode::tan:
      return std::tan(x);
    case Opcode::tanh:
      return std::tanh(x);
    case Opcode::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Opcode::softplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) + 0 * x;
    case Opcode::erf:
      return std::erf(x);
    case Opcode::floor:
      return std::floor(x);
    case Opcode::ceil:
      return std::ceil(x);
    case Opcode::round:
      return std::nearbyint(x);
    case Opcode::relu:
      return std::isnan(x) ? x : std::max(x, 0.0);
    case Opcode::logical_not:
      return x == 0;
    case Opcode::is_nan:
      return std::isnan(x);
    case Opcode::is_finite:
      return std::isfinite(x);
    case Opcode::copy:
      return x;
    default:
      return kNan;
  }
}

// Element e of an input read with strides.
double element(const float* data, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides, int64_t e) {
  int64_t offset = 0;
  for (size_t d = shape.size(); d-- > 0; e /= shape[d]) offset += e % shape[d] * strides[d];
  return data[offset];
}

// body(Case&) for every case, also as if nothing fitted into a cache.
template <class Body>
void for_each_cache(Body body) {
  for_each_case([&](Case& run) {
    for (const bool without : {false, true}) {
      INFO("without a cache: " << without);
      run.without_cache = without;
      body(run);
    }
  });
}

}  // namespace

TEST_CASE("pointwise: every opcode on ordinary and special numbers") {
  // All pairs of special values, then random ones; 1367 elements: no multiple of anything.
  const std::vector<float> special = {0.0f, -0.0f, 1, -1,    2,      -2,        0.5f,       -0.5f, 1.5f,
                                      2.5f, -2.5f, 3, 1e20f, -1e20f, kInfinity, -kInfinity, kNan};
  const int64_t n = 1367, count = static_cast<int64_t>(special.size());
  Buffer<float> a = random(n, 1, -4, 4), b = random(n, 2, -4, 4), c = random(n, 3, -4, 4);
  for (int64_t i = 0; i < count * count; ++i) {
    a[i] = special[static_cast<size_t>(i / count)];
    b[i] = special[static_cast<size_t>(i % count)];
  }
  for_each_cache([&](Case& run) {
    for (int op = 0; op < static_cast<int>(Opcode::constant); ++op) {
      const Opcode code = static_cast<Opcode>(op);
      INFO("opcode " << op);
      Buffer<float> y(n);
      Program({n}).input(a.data()).input(b.data()).input(c.data()).then(code, 3, 0, 1, 2).output(y.data(), 3).run(run);
      std::vector<double> expected(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        double e = meaning(code, a[i], b[i], c[i]);
        if (std::abs(e) > std::numeric_limits<float>::max()) e = std::copysign(double{kInfinity}, e);
        if (std::isinf(a[i]) && code == Opcode::softplus) e = a[i] > 0 ? double{kInfinity} : 0;
        if (code == Opcode::floor_divide && std::isfinite(e) && y[i] != e) {
          // Where the quotient needs more than a double, x - mod decides.
          e = std::nearbyint((a[i] - python_mod(a[i], b[i])) / b[i]);
          if (std::isinf(b[i])) e = a[i] != 0 && (a[i] < 0) != (b[i] < 0) ? -1 : 0;
        }
        if (code == Opcode::mod && std::isinf(b[i]) && std::isfinite(a[i]) && a[i] != 0 && (a[i] < 0) != (b[i] < 0))
          e = b[i];
        expected[static_cast<size_t>(i)] = e;
      }
      check_close(y.data(), expected, 1e-6, 1e-38);
    }
  });
}

TEST_CASE("pointwise: sizes around vectors and tiles, nothing beyond the arrays") {
  for_each_cache([](Case& run) {
    for (const int64_t n : {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 511, 512, 513, 1024, 1031}) {
      const Buffer<float> a = random(n, 1), b = random(n, 2);
      Buffer<float> y(n), z(n);
      Program({n})
          .input(a.data())
          .input(b.data())
          .then(Opcode::exp, 2, 0)
          .then(Opcode::multiply, 3, 2, 1)
          .output(y.data(), 3)
          .output(z.data(), 2)
          .run(run);
      std::vector<double> product, exponential;
      for (int64_t i = 0; i < n; ++i) {
        exponential.push_back(std::exp(double{a[i]}));
        product.push_back(exponential.back() * b[i]);
      }
      check_close(y.data(), product, 1e-6, 0);
      check_close(z.data(), exponential, 1e-6, 0);
    }
  });
}

TEST_CASE("pointwise: broadcasts of every kind") {
  const struct {
    std::vector<int64_t> shape, strides;
  } cases[] = {
      {{}, {}},                        // a scalar of a scalar
      {{1, 1}, {0, 0}},                //
      {{37}, {0}},                     // one number
      {{37}, {3}},                     // every third
      {{7, 10}, {0, 1}},               // row vector (bias)
      {{300, 6}, {0, 1}},              //
      {{9, 511}, {0, 1}},              // just a pattern
      {{9, 512}, {0, 1}},              //
      {{9, 513}, {0, 1}},              // too long for a pattern
      {{3, 2000}, {0, 1}},             // longer than a tile
      {{7, 10}, {1, 0}},               // column vector
      {{700, 3}, {1, 0}},              //
      {{2, 1300}, {1, 0}},             //
      {{40, 50}, {1, 40}},             // transposed
      {{40, 50}, {100, 2}},            // sliced
      {{5, 1, 7, 3}, {0, 9, 3, 1}},    // vector over two axes
      {{5, 6, 7, 3}, {21, 0, 3, 1}},   // middle axis broadcast
      {{5, 6, 7, 3}, {0, 3, 0, 1}},    // first and third
      {{5, 400, 3}, {3, 0, 1}},        // a short vector for each image
      {{7, 201, 5}, {5, 0, 1}},        //
      {{4, 9, 64}, {64, 0, 1}},        //
      {{4, 9, 65}, {65, 0, 1}},        //
      {{6, 700, 64}, {64, 0, 1}},      // the same for several tiles
      {{5, 1024, 32}, {32, 0, 1}},     //
      {{2, 300, 128}, {128, 0, 1}},    //
      {{9, 3000}, {1, 0}},             //
      {{3, 5, 700, 2}, {5, 1, 0, 0}},  //
      {{5, 400, 3}, {400, 1, 0}},      // a mask of pixels
      {{3, 701, 5}, {701, 1, 0}},      //
      {{5, 3, 70, 2}, {3, 1, 0, 0}},   // a number for each row
      {{2, 3, 300, 3}, {0, 300, 1, 0}},
      {{9, 100, 3}, {1, 0, 0}},  // a number for each image
      {{2, 3, 2, 3, 2, 3, 2, 3}, {1, 0, 2, 0, 4, 0, 8, 0}},
      {{2, 3, 2, 3, 2, 3, 2, 3}, {0, 1, 0, 3, 0, 9, 0, 27}},
      {{64, 0, 3}, {0, 3, 1}},  // empty
  };
  const Buffer<float> storage = random(8000, 1);
  for_each_cache([&](Case& run) {
    for (const auto& c : cases) {
      Program program(c.shape);
      const int64_t n = program.elements();
      const Buffer<float> full = random(n, 2);
      Buffer<float> y(n), z(n);
      program.input(full.data()).input(storage.data(), c.strides);
      program.then(Opcode::add, 2, 0, 1).then(Opcode::multiply, 3, 1, 2);
      program.output(y.data(), 2).output(z.data(), 3).run(run);
      std::vector<double> sum, product;
      for (int64_t i = 0; i < n; ++i) {
        const double b = element(storage.data(), c.shape, c.strides, i);
        sum.push_back(full[i] + b);
        product.push_back(b * (full[i] + b));
      }
      check_close(y.data(), sum, 1e-6, 1e-7);
      check_close(z.data(), product, 1e-6, 1e-6);
    }
  });
}

TEST_CASE("pointwise: in place, also when the overwritten input is read again") {
  for_each_cache([](Case& run) {
    for (const int64_t n : {1, 30, 1000, 400000}) {
      const Buffer<float> a = random(n, 1), b = random(n, 2);
      Buffer<float> x = a, y = b;
      // x = tanh(x) - x * y; y = x + y with the old x: outputs over both inputs, which the program needs to its end.
      Program({n})
          .input(x.data())
          .input(y.data())
          .then(Opcode::tanh, 2, 0)
          .then(Opcode::multiply, 3, 0, 1)
          .then(Opcode::subtract, 2, 2, 3)
          .then(Opcode::add, 4, 0, 1)
          .output(x.data(), 2)
          .output(y.data(), 4)
          .run(run);
      std::vector<double> first, second;
      for (int64_t i = 0; i < n; ++i) {
        first.push_back(std::tanh(double{a[i]}) - double{a[i]} * b[i]);
        second.push_back(double{a[i]} + b[i]);
      }
      check_close(x.data(), first, 1e-6, 1e-6);
      check_close(y.data(), second, 1e-6, 1e-6);
    }
  });
}

TEST_CASE("pointwise: outputs that exchange, repeat or copy inputs") {
  for_each_cache([](Case& run) {
    const int64_t n = 1500;
    const Buffer<float> a = random(n, 1), b = random(n, 2);
    Buffer<float> x = a, y(n), z(n), u(n);
    Program({n})
        .input(x.data())
        .input(b.data())
        .then(Opcode::negative, 2, 0)
        .output(x.data(), 2)  // over the input ...
        .output(y.data(), 0)  // ... whose old value is stored here
        .output(z.data(), 2)  // and its new one here
        .output(u.data(), 1)
        .run(run);
    Buffer<float> negative(n);
    for (int64_t i = 0; i < n; ++i) negative[i] = -a[i];
    check_same_bits(x, negative);
    check_same_bits(y, a);
    check_same_bits(z, negative);
    check_same_bits(u, b);
  });
}

TEST_CASE("pointwise: the longest program, with registers used over and over") {
  for_each_cache([](Case& run) {
    const int64_t n = 3001;
    std::vector<Buffer<float>> inputs;
    for (int k = 0; k < kMaxPointwiseInputs; ++k) inputs.push_back(random(n, static_cast<uint64_t>(k)));
    std::vector<Buffer<float>> outputs(kMaxPointwiseOutputs, Buffer<float>(n));
    Program program({n});
    for (const auto& input : inputs) program.input(input.data());

    std::vector<std::vector<double>> registers(kMaxRegisters, std::vector<double>(static_cast<size_t>(n)));
    for (size_t k = 0; k < inputs.size(); ++k) registers[k] = to_double(inputs[k]);
    for (int i = 0; i < kMaxInstructions; ++i) {
      const int temporaries = kMaxRegisters - kMaxPointwiseInputs;
      const int dst = kMaxPointwiseInputs + i % temporaries;
      const int a = i == 0 ? 0 : kMaxPointwiseInputs + (i - 1) % temporaries, b = i % kMaxPointwiseInputs;
      const Opcode op = i % 3 == 0 ? Opcode::add : i % 3 == 1 ? Opcode::multiply : Opcode::subtract;
      program.then(op, dst, a, b);
      for (size_t e = 0; e < static_cast<size_t>(n); ++e)
        registers[static_cast<size_t>(dst)][e] =
            meaning(op, registers[static_cast<size_t>(a)][e], registers[static_cast<size_t>(b)][e], 0);
    }
    for (int k = 0; k < kMaxPointwiseOutputs; ++k)
      program.output(outputs[static_cast<size_t>(k)].data(), kMaxPointwiseInputs + 3 * k);
    program.run(run);
    for (int k = 0; k < kMaxPointwiseOutputs; ++k)
      check_close(outputs[static_cast<size_t>(k)].data(), registers[static_cast<size_t>(kMaxPointwiseInputs + 3 * k)],
                  1e-5, 1e-5);
  });
}

TEST_CASE("pointwise: constants and programs without inputs") {
  for_each_cache([](Case& run) {
    const int64_t n = 700;
    Buffer<float> y(n), expected(n);
    std::fill(expected.begin(), expected.end(), 3.75f);
    Program({n})
        .then(Opcode::constant, 0, 0, 0, 0, 1.25f)
        .then(Opcode::constant, 1, 0, 0, 0, 3.0f)
        .then(Opcode::multiply, 0, 0, 1)
        .output(y.data(), 0)
        .run(run);
    check_same_bits(y, expected);
  });
}

TEST_CASE("pointwise: a constant's register holds other things later, and the constant may be a result") {
  for_each_cache([](Case& run) {
    const int64_t n = 3 * 512 + 5;  // several tiles
    const Buffer<float> x = random(n, 1);
    Buffer<float> y(n), z(n), expected(n), two(n);
    for (int64_t i = 0; i < n; ++i) {
      expected[i] = x[i] * 2 + x[i];
      two[i] = 2;
    }
    Program({n})
        .input(x.data())
        .then(Opcode::constant, 1, 0, 0, 0, 2.0f)
        .then(Opcode::multiply, 2, 0, 1)
        .then(Opcode::add, 1, 2, 0)
        .then(Opcode::constant, 3, 0, 0, 0, 2.0f)
        .output(y.data(), 1)
        .output(z.data(), 3)
        .run(run);
    check_same_bits(y, expected);
    check_same_bits(z, two);
  });
}

TEST_CASE("pointwise: the same bits on any number of threads and in any neighbourhood") {
  const int64_t rows = 60000, columns = 7;
  const Buffer<float> x = random(rows * columns, 1, -3, 3), bias = random(columns, 2);
  const auto compute = [&](const KernelTable& table, int threads, int64_t from, int64_t count) {
    set_num_threads(threads);
    Case run(table, threads);
    Buffer<float> y(count * columns);
    Program({count, columns})
        .input(x.data() + from * columns)
        .input(bias.data(), {0, 1})
        .then(Opcode::add, 2, 0, 1)
        .then(Opcode::tanh, 3, 2)
        .then(Opcode::exp, 4, 2)
        .then(Opcode::divide, 2, 3, 4)
        .output(y.data(), 2)
        .run(run);
    return y;
  };
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    const Buffer<float> one = compute(*table, 1, 0, rows);
    for (const int threads : {2, 3, 5}) check_same_bits(one, compute(*table, threads, 0, rows));
    for (const int64_t row : {0, 1, 77, 59999}) {  // a row alone
      const Buffer<float> alone = compute(*table, 3, row, 1);
      Buffer<float> same(columns);
      std::copy_n(one.data() + row * columns, columns, same.data());
      check_same_bits(alone, same);
    }
  }
  set_num_threads(before);
}

}  // namespace linnet::test
