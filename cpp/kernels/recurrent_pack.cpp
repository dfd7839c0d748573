// The weights of recurrent layers as the forward pass reads them: [kernel; recurrent] in panels of two vectors of
// columns, in the order of the slots (recurrent.h), and behind them the biases in that order. A prediction packs them
// once and keeps them (graph/prepare.h); a training step packs them into its workspace every time.
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/recurrent.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kPackRows = 16;

struct Job {
  const RecurrentArgs& a;
  RecurrentSizes size;
  float* packed;
};

// Calls f(vector, gate, block) for the vectors of packed weights, in their order.
template <class F>
void each_vector_of_weights(const RecurrentSizes& z, const F& f) {
  int64_t vector = 0;
  for (int64_t group = 0; group < z.groups; ++group) {
    const int64_t b0 = 2 * group, b1 = b0 + z.blocks_of(group);
    const int together = z.gru() ? 2 : z.gates;  // of a block; the candidates of a gru follow
    for (int64_t block = b0; block < b1; ++block)
      for (int gate = 0; gate < together; ++gate) f(vector++, gate, block);
    for (int64_t block = b0; z.gru() && block < b1; ++block) f(vector++, 2, block);
  }
}

// Tile `index`: some rows of [kernel; recurrent] in all panels. Panel p holds vectors 2 p and 2 p + 1; of an odd number
// of vectors the last is a panel of its own.
void pack_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const RecurrentSizes& z = job.size;
  const int64_t steps = z.in + z.units, columns = z.gates * z.units;
  const int64_t l1 = smaller(steps, (index + 1) * kPackRows), vectors = z.gates * z.blocks;
  each_vector_of_weights(z, [&](int64_t vector, int gate, int64_t block) {
    const bool alone = vector == vectors - 1 && vectors % 2 == 1;
    const int64_t width = alone ? kLanes : kWide;
    float* panel = job.packed + vector / 2 * kWide * steps + (alone ? 0 : vector % 2 * kLanes);
    const int64_t column = gate * z.units + block * kLanes, count = smaller(kLanes, z.units - block * kLanes);
    for (int64_t l = index * kPackRows; l < l1; ++l) {
      const float* row = l < z.in ? job.a.kernel + l * columns : job.a.recurrent + (l - z.in) * columns;
      store(panel + l * width, load_some(row + column, count, 0));
    }
  });
}

// Biases in the order of the slots. Those of a product of x and of one of h that meet in one sum are added up.
void pack_biases(const Job& job) {
  const RecurrentSizes& z = job.size;
  float* to = job.packed + z.biases();
  const auto put = [&](const float* first, const float* second, int gate, int64_t block) {
    const int64_t column = gate * z.units + block * kLanes, count = smaller(kLanes, z.units - block * kLanes);
    Vec v = first ? load_some(first + column, count, 0) : Vec{};
    if (second) v += load_some(second + column, count, 0);
    store(to, v);
    to += kLanes;
  };
  const float *bias = job.a.bias, *inner = job.a.recurrent_bias;
  for (int64_t group = 0; group < z.groups; ++group) {
    const int64_t b0 = 2 * group, b1 = b0 + z.blocks_of(group);
    const int together = z.gru() ? 2 : z.gates;
    for (int64_t block = b0; block < b1; ++block)
      for (int gate = 0; gate < together; ++gate) put(bias, inner, gate, block);
    for (int64_t block = b0; z.gru() && block < b1; ++block) put(bias, nullptr, 2, block);
    for (int64_t block = b0; z.cell == RecurrentCell::gru && block < b1; ++block) put(inner, nullptr, 2, block);
  }
}

}  // namespace

size_t recurrent_packed_size(const RecurrentArgs& a) { return bytes_of(RecurrentSizes(a).packed_floats()); }

void recurrent_pack(const RecurrentArgs& a, float* packed, const Launch& launch) {
  const Job job = {a, RecurrentSizes(a), packed};
  launch.parallel(launch.pool, ceil_div(job.size.in + job.size.units, kPackRows), pack_tile, &job);
  pack_biases(job);
}

}  // namespace linnet::LINNET_ISA
