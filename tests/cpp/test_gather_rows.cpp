// Rows by index out of a data set of any type, as float32 or int32.
#include "kernel_test.h"

namespace linnet::test {
namespace {

template <class Source, class Target>
void check_gather(Case& run, SourceType type, bool to_int, int64_t low, int64_t high) {
  for (const int64_t row : {0, 1, 3, 17, 64, 784}) {
    for (const int64_t rows : {0, 1, 5, 500}) {
      const int64_t entries = 50;
      const Buffer<Source> src = random_integers<Source>(entries * row, 1, low, high);
      const Buffer<int64_t> indices = random_integers<int64_t>(rows, 2, 0, entries);
      Buffer<Target> dst(rows * row), expected(rows * row);
      for (int64_t i = 0; i < rows * row; ++i) expected[i] = static_cast<Target>(src[indices[i / row] * row + i % row]);
      run.kernels.gather_rows(type, to_int, src.data(), row, indices.data(), rows, dst.data(), run.launch());
      check_same_bits(dst, expected);

      const int64_t in_order = std::min(rows, entries);  // without indices: the first rows
      Buffer<Target> head(in_order * row), first(in_order * row);
      for (int64_t i = 0; i < in_order * row; ++i) first[i] = static_cast<Target>(src[i]);
      run.kernels.gather_rows(type, to_int, src.data(), row, nullptr, in_order, head.data(), run.launch());
      check_same_bits(head, first);
    }
  }
}

template <class Source>
void check_type(Case& run, SourceType type, int64_t low, int64_t high) {
  check_gather<Source, float>(run, type, false, low, high);
  check_gather<Source, int32_t>(run, type, true, low, high);
}

}  // namespace

TEST_CASE("gather_rows: every source type") {
  for_each_case([](Case& run) {
    check_type<uint8_t>(run, SourceType::u8, 0, 256);
    check_type<uint8_t>(run, SourceType::b8, 0, 2);
    check_type<int8_t>(run, SourceType::i8, -128, 128);
    check_type<int16_t>(run, SourceType::i16, -32768, 32768);
    check_type<uint16_t>(run, SourceType::u16, 0, 65536);
    check_type<int32_t>(run, SourceType::i32, -2000000000, 2000000000);
    check_type<uint32_t>(run, SourceType::u32, 0, 2000000000);
    check_type<int64_t>(run, SourceType::i64, -2000000000, 2000000000);
    check_type<uint64_t>(run, SourceType::u64, 0, 2000000000);
    check_type<float>(run, SourceType::f32, -1000, 1000);
    check_type<double>(run, SourceType::f64, -1000, 1000);
  });
}

TEST_CASE("gather_rows: wide values round to the nearest float") {
  for_each_case([](Case& run) {
    const Buffer<uint64_t> wide = {~uint64_t{0}, uint64_t{1} << 63, 3};
    const Buffer<double> fine = {0.1, -1e300, 1e-3};
    Buffer<float> y(3);
    run.kernels.gather_rows(SourceType::u64, false, wide.data(), 3, nullptr, 1, y.data(), run.launch());
    check_same_bits(y, {0x1p64f, 0x1p63f, 3.0f});
    run.kernels.gather_rows(SourceType::f64, false, fine.data(), 3, nullptr, 1, y.data(), run.launch());
    check_same_bits(y, {0.1f, -std::numeric_limits<float>::infinity(), 1e-3f});
  });
}

}  // namespace linnet::test
