// What every kernel test needs: memory that betrays overruns, random data, every table at several thread counts, and
// comparisons that report one line instead of a million.
//
//   TEST_CASE("softmax") {
//     for_each_case([](Case& run) {                              // every table x 1 and 3 threads
//       const Buffer<float> x = random(20 * 50, 1);
//       Buffer<float> y(20 * 50);
//       const std::vector<double> expected = ...;                // computed here, in double
//       run.kernels.softmax_forward(false, 20, 50, x.data(), y.data(), run.launch());
//       check_close(y.data(), expected, 1e-6, 1e-7);
//     });
//   }
//
// Buffers have the exact size (AddressSanitizer sees one byte too many), begin on 64 bytes as the memory planner's do,
// and hold NaN until written, as the contract in kernels.h allows. A workspace from `run.launch(bytes)` is such a
// buffer, too. Small sizes suffice: one, a vector width and its neighbours, primes, zero.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/kernels.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace linnet::test {

// `size` elements, exactly, on a 64-byte boundary.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t size) : size_(size) {
    void* p = nullptr;
    if (posix_memalign(&p, 64, static_cast<size_t>(size) * sizeof(T)) != 0) throw std::bad_alloc();
    data_.reset(static_cast<T*>(p));
    std::memset(p, 0xff, static_cast<size_t>(size) * sizeof(T));  // NaN as float, -1 as an integer
  }
  Buffer(std::initializer_list<T> values) : Buffer(static_cast<int64_t>(values.size())) {
    int64_t i = 0;
    for (const T& value : values) data_[i++] = value;
  }
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  Buffer(const Buffer& other) : Buffer(other.size_) { std::memcpy(data(), other.data(), bytes()); }
  Buffer& operator=(const Buffer& other) { return *this = Buffer(other); }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  size_t bytes() const { return static_cast<size_t>(size_) * sizeof(T); }
  T& operator[](int64_t i) { return data_[static_cast<size_t>(i)]; }
  const T& operator[](int64_t i) const { return data_[static_cast<size_t>(i)]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  int64_t size_;
  std::unique_ptr<T[], Free> data_;
};

// A stream of 64-bit numbers (splitmix64, Steele, Lea & Flood 2014): tests must not lean on what they test.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

// Uniform in [low, high).
inline Buffer<float> random(int64_t size, uint64_t seed, double low = -1, double high = 1) {
  Buffer<float> values(size);
  Numbers numbers(seed);
  for (float& value : values) value = static_cast<float>(low + (high - low) * numbers.uniform());
  return values;
}

// Uniform integers in [low, high).
template <class T = int32_t>
Buffer<T> random_integers(int64_t size, uint64_t seed, int64_t low, int64_t high) {
  Buffer<T> values(size);
  Numbers numbers(seed);
  for (T& value : values) {
    value = static_cast<T>(low + static_cast<int64_t>(numbers.next() % static_cast<uint64_t>(high - low)));
  }
  return values;
}

template <class T>
std::vector<double> to_double(const Buffer<T>& values) {
  return std::vector<double>(values.begin(), values.end());
}

// One table at one number of threads.
class Case {
 public:
  Case(const KernelTable& table, int thread_count) : kernels(table), threads(thread_count) {}

  const KernelTable& kernels;
  const int threads;
  bool without_cache = false;  // launches say that nothing fits into a cache, as if every tensor were huge

  // A Launch with a workspace of exactly that many bytes, which lives as long as this case.
  Launch launch(size_t workspace_bytes = 0) {
    if (workspace_bytes > 0) workspaces_.emplace_back(static_cast<int64_t>(workspace_bytes));
    Launch launch = make_launch(workspace_bytes > 0 ? workspaces_.back().data() : nullptr);
    if (without_cache) launch.cache = 0;
    return launch;
  }

 private:
  std::vector<Buffer<std::byte>> workspaces_;
};

// body(Case&) for every table this processor runs, best first, with 1 and with 3 threads; `reference` last, once: it
// shares nothing between threads and is slow.
template <class Body>
void for_each_case(Body body) {
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    for (const int threads : {1, 3}) {
      if (threads > 1 && std::string(table->name) == "reference") continue;
      set_num_threads(threads);
      INFO("kernels: " << table->name << ", threads: " << threads);
      Case run(*table, threads);
      body(run);
    }
  }
  set_num_threads(before);
}

// |actual - expected| <= absolute + relative * |expected| everywhere; NaN and infinity must be met by the same.
template <class T>
void check_close(const T* actual, const std::vector<double>& expected, double relative, double absolute) {
  int64_t wrong = 0, first = -1;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = static_cast<double>(actual[i]), e = expected[i];
    const bool same = std::isfinite(e) ? std::abs(a - e) <= absolute + relative * std::abs(e)
                                       : (std::isnan(e) ? std::isnan(a) : a == e);
    if (same) continue;
    if (wrong++ == 0) first = static_cast<int64_t>(i);
  }
  if (wrong == 0) {
    CHECK(wrong == 0);
    return;
  }
  FAIL_CHECK(wrong << " of " << expected.size() << " values differ; the first at [" << first << "]: got "
                   << static_cast<double>(actual[first]) << ", expected " << expected[static_cast<size_t>(first)]);
}

// The largest |actual - expected| over the largest |expected|: the error of a sum against the size of its terms.
template <class T>
double relative_error(const T* actual, const std::vector<double>& expected) {
  double error = 0, scale = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) - expected[i]);
    if (!(difference <= error)) error = difference;  // NaN stays
    scale = std::max(scale, std::abs(expected[i]));
  }
  return scale > 0 ? error / scale : error;
}

// Equal bit by bit; NaNs and the sign of zero count. `any_nan`: but not which NaN: IEEE 754 leaves open which of two a
// sum takes over, and a sum that is computed in another place does so differently on ARM and x86.
template <class T>
void check_same_bits(const Buffer<T>& a, const Buffer<T>& b, bool any_nan = false) {
  REQUIRE(a.size() == b.size());
  int64_t first = 0;
  const auto same = [&](int64_t i) {
    return std::memcmp(&a[i], &b[i], sizeof(T)) == 0 || (any_nan && a[i] != a[i] && b[i] != b[i]);
  };
  while (first < a.size() && same(first)) ++first;
  INFO("the first difference is at [" << first << "]");
  CHECK(first == a.size());
}

}  // namespace linnet::test
