// Strided copies of 1, 4 and 8 bytes: transposes, slices, broadcasts, and writing with strides.
#include <limits>
#include <numeric>

#include "kernel_test.h"

namespace linnet::test {
namespace {

struct Layout {
  std::vector<int64_t> shape, src, dst;  // dst empty: contiguous
};

// One past the largest offset.
int64_t extent(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return 0;
    last += (shape[d] - 1) * strides[d];
  }
  return last + 1;
}

std::vector<int64_t> contiguous(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

template <class T>
void check_copy(Case& run, const Layout& layout) {
  const std::vector<int64_t> to = layout.dst.empty() ? contiguous(layout.shape) : layout.dst;
  // Any bits: those of a signalling NaN, too.
  const Buffer<T> src = random_integers<T>(extent(layout.shape, layout.src), 1, 0, std::numeric_limits<int64_t>::max());
  Buffer<T> dst(extent(layout.shape, to)), expected(dst.size());
  StridedCopyArgs args;
  args.rank = static_cast<int>(layout.shape.size());
  args.item = sizeof(T);
  args.src = src.data();
  args.dst = dst.data();
  std::copy(layout.shape.begin(), layout.shape.end(), args.shape);
  std::copy(layout.src.begin(), layout.src.end(), args.src_strides);
  std::copy(layout.dst.begin(), layout.dst.end(), args.dst_strides);
  run.kernels.strided_copy(args, run.launch());

  const int64_t n = std::accumulate(layout.shape.begin(), layout.shape.end(), int64_t{1}, std::multiplies<>());
  for (int64_t e = 0; e < n; ++e) {
    int64_t rest = e, from = 0, at = 0;
    for (size_t d = layout.shape.size(); d-- > 0; rest /= layout.shape[d]) {
      from += rest % layout.shape[d] * layout.src[d];
      at += rest % layout.shape[d] * to[d];
    }
    expected[at] = src[from];
  }
  check_same_bits(dst, expected);  // what lies between strided elements stays as it was
}

}  // namespace

TEST_CASE("strided_copy: every layout in every element size") {
  const Layout layouts[] = {
      {{}, {}, {}},                         // a scalar
      {{1, 1}, {5, 7}, {}},                 //
      {{0, 4}, {4, 1}, {}},                 // nothing
      {{37}, {1}, {}},                      // as it is
      {{200000}, {1}, {}},                  //
      {{37}, {3}, {}},                      // every third
      {{37}, {0}, {}},                      // repeat
      {{5, 33}, {0, 1}, {}},                // broadcast rows
      {{33, 5}, {1, 0}, {}},                // broadcast columns
      {{7, 9}, {1, 7}, {}},                 // transposes
      {{32, 64}, {1, 32}, {}},              //
      {{701, 603}, {1, 701}, {}},           //
      {{3, 40, 50}, {2000, 1, 40}, {}},     // of a batch
      {{40, 3, 50}, {1, 2000, 40}, {}},     // NHWC and NCHW
      {{2, 5, 7, 3}, {105, 7, 1, 35}, {}},  //
      {{2, 3, 5, 7}, {105, 1, 21, 3}, {}},  //
      {{6, 7}, {20, 2}, {}},                // slice with steps
      {{6, 7}, {7, 1}, {30, 1}},            // concatenate: into a wider matrix
      {{6, 7}, {7, 1}, {30, 3}},            // gradient of a slice with steps
      {{6, 7}, {1, 6}, {30, 1}},            // transposed into a wider matrix
      {{4, 6, 7}, {0, 1, 0}, {60, 10, 1}},  //
      {{2, 3, 2, 3, 2, 3, 2, 3}, {1, 2, 6, 12, 36, 72, 216, 432}, {}},
      {{300, 64}, {64, 1}, {128, 1}},        // whole lines into every other run
      {{5, 60, 64}, {4000, 64, 1}, {}},      // out of rows with a gap
      {{3, 70000}, {70000, 1}, {70016, 1}},  // runs of several pieces
      {{3, 5000}, {5003, 1}, {6001, 1}},     // long runs that begin anywhere
      {{4, 500, 32}, {32, 0, 1}, {}},        // rows repeated: whole lines,
      {{3, 1000, 7}, {7, 0, 1}, {}},         // and not;
      {{3, 40, 700}, {700, 0, 1}, {}},       // longer ones,
      {{3, 4, 1300}, {1300, 0, 1}, {}},      // and too long to gather
      {{100003}, {0}, {}},                   // filled
      {{70, 48}, {0, 0}, {64, 1}},           // in part
      {{128, 192}, {1, 128}, {}},            // transposes of whole strips,
      {{3, 128, 80}, {10240, 1, 128}, {}},   // of a batch,
      {{100, 176}, {1, 100}, {192, 1}},      // into a wider matrix
  };
  for_each_case([&](Case& run) {
    for (const Layout& layout : layouts) {
      for (const bool without_cache : {false, true}) {
        INFO("layout " << (&layout - layouts) << (without_cache ? ", past the caches" : ""));
        run.without_cache = without_cache;
        check_copy<uint8_t>(run, layout);
        check_copy<int32_t>(run, layout);
        check_copy<int64_t>(run, layout);
      }
    }
  });
}

TEST_CASE("strided_copy: backwards") {
  for_each_case([](Case& run) {
    const Buffer<float> x = random(10, 1);
    Buffer<float> y(10), expected(10);
    for (int64_t i = 0; i < 10; ++i) expected[i] = x[9 - i];
    StridedCopyArgs args;
    args.rank = 1;
    args.shape[0] = 10;
    args.src = x.data() + 9;
    args.src_strides[0] = -1;
    args.dst = y.data();
    run.kernels.strided_copy(args, run.launch());
    check_same_bits(y, expected);
  });
}

}  // namespace linnet::test
