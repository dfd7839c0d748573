// The tiles that Winograd's algorithm (conv2d_winograd.h) cuts images into, and their patches on the way to it.
//
// In the last column and row of an image's tiles there may be fewer outputs than in the others. What they do not need
// is left out: of 4 outputs in a row (3x3 windows)
//
//   outputs   points it takes
//   4         0, +-a, +-b, infinity
//   3         0, +-a, +-b               infinity is only in the last output
//   2         0, +-a, infinity          the tile is narrow: F(2) instead of F(4)
//   1         0, +-a                    infinity is only in the last output
//
// so that at 14x14 an image takes (3 * 6 + 4)^2 products and not (4 * 6)^2. A tile has a kind: inner; right: in the
// column that hangs over; lower: in the row that hangs over; corner: in both. Where there is too little to be saved all
// are inner, and the outputs that do not exist are not stored. All tiles of a batch are numbered
//
//   right, inner, lower, corner         each image after image, row after row
//
// because then the tiles that take a certain position (i, j) of the 36 follow each other: the lower ones and the
// corners where the last row takes i, the right ones and the corners where the last column takes j. What stands at a
// position that a tile does not take is never written, and whatever it is, it reaches no output that exists.
#pragma once
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_winograd.h"

namespace linnet::LINNET_ISA {

// ---- the grid ------------------------------------------------------------------------------------------------------

// The tiles along one side of an image. `apart`: is the one that hangs over unlike the others?
struct TileSide {
  TileSide(int64_t outputs, int64_t size, bool apart)
      : whole(apart ? outputs / size : divide_up(outputs, size)),
        rest(apart ? outputs % size : 0),
        rest_points(size == 4 && (rest == 1 || rest == 2) ? 4 : 6) {}
  int64_t whole;    // tiles that do not hang over
  int64_t rest;     // outputs of the one that does, or 0
  int rest_points;  // its maps'

  int64_t tiles() const { return whole + (rest > 0); }
  // Does the tile that hangs over take point i? True when there is none.
  bool rest_takes(int i) const {
    if (rest == 0) return true;
    return i == 5 ? rest_points == 4 && rest == 2 : i < 3 || rest_points == 6;
  }
  // Of all tiles.
  int64_t points() const {
    int64_t sum = whole * kPatchSize;
    for (int i = 0; i < kPatchSize && rest > 0; ++i) sum += rest_takes(i);
    return sum;
  }
};

struct TileRange {
  int64_t begin, end;
};

// Tiles that are apart no longer find the lines that they share with their neighbours. Against the multiplications that
// they save it is weighed as so many for each of their values; bench_conv2d re-measures it.
inline constexpr int64_t kApartWeight = 6;
inline bool apart_pays(const Conv2dShape& s) {
  const TileSide down(s.oh, tile_size(s.kh), true), across(s.ow, tile_size(s.kh), true);
  const int64_t tiles = down.tiles() * across.tiles(), apart = tiles - down.whole * across.whole;
  const int64_t saved = tiles * kPositions - down.points() * across.points();
  return saved * s.c * s.oc > kApartWeight * apart * kPositions * (s.c + s.oc);
}

struct TileGrid {
  explicit TileGrid(const Conv2dShape& s)
      : size(tile_size(s.kh)),
        down(s.oh, size, apart_pays(s)),
        across(s.ow, size, apart_pays(s)),
        inner(s.n * (across.rest > 0) * down.whole),
        lower(inner + s.n * down.whole * across.whole),
        corner(lower + s.n * (down.rest > 0) * across.whole),
        tiles(s.n * down.tiles() * across.tiles()) {}
  int64_t size;  // of a tile: outputs in a row of it
  TileSide down, across;
  int64_t inner, lower, corner;  // where each kind begins
  int64_t tiles;                 // of the batch

  int64_t image_tiles() const { return down.tiles() * across.tiles(); }
  // Which of [first, first + count) take a position; from `first` on.
  TileRange that_take(int position, int64_t first, int64_t count) const {
    const bool below = down.rest_takes(position / kPatchSize), beside = across.rest_takes(position % kPatchSize);
    const int64_t begin = beside ? 0 : inner, end = !below ? lower : beside ? tiles : corner;
    const int64_t from = min_of(max_of(begin - first, 0), count);
    return {from, max_of(min_of(end - first, count), from)};
  }
};

class TilePlace {
 public:
  TilePlace(const TileGrid& g, int64_t tile) : next_(tile + 1) {
    const bool is_lower = tile >= g.lower, is_right = tile < g.inner || tile >= g.corner;
    const int64_t rows = is_lower ? 1 : g.down.whole, columns = is_right ? 1 : g.across.whole;
    const int64_t i = tile - (tile >= g.corner ? g.corner : is_lower ? g.lower : is_right ? 0 : g.inner);
    top_ = is_lower ? g.down.whole * g.size : 0, bottom_ = top_ + rows * g.size;
    left_ = is_right ? g.across.whole * g.size : 0, right_ = left_ + columns * g.size;
    n = i / (rows * columns);
    y = top_ + i / columns % rows * g.size;
    x = left_ + i % columns * g.size;
  }
  // To the next tile. Divisions would take as long as the transformation of a few channels.
  void step(const TileGrid& g) {
    if (next_ == g.inner || next_ == g.lower || next_ == g.corner) {
      *this = TilePlace(g, next_);
      return;
    }
    ++next_;
    if ((x += g.size) < right_) return;
    x = left_;
    if ((y += g.size) < bottom_) return;
    y = top_, ++n;
  }
  int64_t n, y, x;  // of the first output

 private:
  int64_t next_, top_, bottom_, left_, right_;
};

// Calls f(Points of the map down, of the map across, first, last) for the tiles of [begin, end) of each kind.
template <int n>
struct PointCount {
  static constexpr int value = n;
};
template <int kWindow, class F>
[[gnu::always_inline]] inline void each_kind(const TileGrid& g, int64_t begin, int64_t end, F f) {
  const int64_t ends[] = {g.inner, g.lower, g.corner, g.tiles};
  for (int kind = 0; kind < 4; ++kind) {
    const int64_t last = min_of(ends[kind], end);
    if (begin >= last) continue;
    if constexpr (kWindow == 3) {
      const bool down = kind >= 2 && g.down.rest_points == 4;
      const bool across = (kind == 0 || kind == 3) && g.across.rest_points == 4;
      if (down && across) f(PointCount<4>(), PointCount<4>(), begin, last);
      if (down && !across) f(PointCount<4>(), PointCount<6>(), begin, last);
      if (!down && across) f(PointCount<6>(), PointCount<4>(), begin, last);
      if (!down && !across) f(PointCount<6>(), PointCount<6>(), begin, last);
    } else {
      f(PointCount<6>(), PointCount<6>(), begin, last);
    }
    begin = last;
  }
}

// ---- patches -------------------------------------------------------------------------------------------------------

// Where transformed tiles lie, `tile` floats apart: channels in chunks of `width`, `chunk` floats apart, and `position`
// floats between its 36 values.
struct TileSpot {
  float* first;
  int64_t tile, width, chunk, position;
  float* at(int64_t channel) const { return first + channel / width * chunk + channel % width; }
};

// Were the positions a power of two apart, the 36 streams would meet in one set of the cache: a line between them.
inline constexpr int64_t kPositionGap = 16;

// Zeros that stand for a pixel of so many channels.
inline int64_t zero_floats(int64_t channels) { return divide_up(channels, kChunk) * kChunk; }
inline const float* make_zeros(float* scratch, int64_t channels) {
  for (int64_t i = 0; i < channels; i += kLanes) store(scratch + i, Vec{});
  return scratch;
}

// So many tiles of a vector of channels.
inline constexpr int64_t kTilesAhead = 8;

// Images whose patches are transformed.
struct Images {
  const float* x;  // (n, h, w, c)
  int64_t n, h, w, c;
  const float* zeros;  // (c, and up to a whole vector), what stands for pixels outside
};

// transform_patches for tiles of one kind. kStep: from a tile to its neighbour.
template <class Down, class Across, int64_t kStep>
[[gnu::noinline]] void transform_kind(const Images& images, const TileGrid& grid, int64_t top, int64_t left,
                                      int64_t begin, int64_t end, TileSpot to) {
  constexpr int64_t kRows = Down::kIn, kColumns = Across::kIn;
  const int64_t h = images.h, w = images.w, c = images.c, row = w * c;
  const float* const images_end = images.x + images.n * h * row;
  const auto start = [&](const TilePlace& p) { return ((p.n * h + p.y - top) * w + p.x - left) * c; };
  // A tile so far ahead that its lines are there in time.
  TilePlace place(grid, begin), ahead(grid, begin + max_of(1, kTilesAhead * kLanes / c));
  for (int64_t t = begin; t < end; ++t, place.step(grid), ahead.step(grid), to.first += to.tile) {
    const int64_t y = place.y - top, x = place.x - left;
    const float* const origin = images.x + start(place);
    const float* const next = images.x + start(ahead);
    // Whole vectors may be read as far as the images reach: what follows a pixel is the next one.
    const bool inside = y >= 0 && y + kRows <= h && x >= 0 && x + kColumns <= w;
    const int64_t after = images_end - (origin + (kRows - 1) * row + (kColumns - 1) * c);
    const int64_t in_place = inside ? after / kLanes * kLanes : 0;
    const float* pixels[kRows * kColumns];
    alignas(64) float last[kRows * kColumns * kLanes];
    for (int64_t i = 0; i < kRows && in_place < c; ++i)
      for (int64_t j = 0; j < kColumns; ++j) {
        const bool exists = y + i >= 0 && y + i < h && x + j >= 0 && x + j < w;
        pixels[i * kColumns + j] = exists ? origin + i * row + j * c : images.zeros;
      }
    for (int64_t channel = 0; channel < c; channel += kLanes) {
      // What that tile adds to its neighbours: too short a stretch for the hardware to foresee.
      for (int64_t i = max_of(0, kRows - kStep); i < kRows; ++i)
        for (int64_t j = max_of(0, kColumns - kStep); j < kColumns; ++j)
          __builtin_prefetch(next + channel + i * row + j * c);
      if (channel < in_place) {
        columns_to_positions<Down, Across>(origin + channel, row, c, to.at(channel), to.position);
        continue;
      }
      for (int64_t i = 0; i < kRows * kColumns && channel + kLanes > c; ++i) {
        if (pixels[i] == images.zeros || pixels[i] + channel + kLanes <= images_end) continue;
        store(last + i * kLanes, load_part(pixels[i] + channel, c - channel, 0.0f));
        pixels[i] = last + i * kLanes - channel;
      }
      pixels_to_positions<Down, Across>(pixels, channel, to.at(channel), to.position);
    }
  }
}

// PatchLine for any window, as the maps of dy are named.
template <int kWindow, int kPoints>
using PatchLineOf = PatchLine<kPoints>;

// Maps the pixels of each tile in [begin, end), which begin (top, left) before the tile's place. What lies outside the
// image is 0. `to` is where tile `begin` goes; whole vectors are written, and what stands in them beyond c is never
// used.
template <int kWindow, template <int, int> class Line>
void transform_patches(const Images& images, const TileGrid& grid, int64_t top, int64_t left, int64_t begin,
                       int64_t end, const TileSpot& to) {
  each_kind<kWindow>(grid, begin, end, [&](auto down, auto across, int64_t first, int64_t last) {
    TileSpot spot = to;
    spot.first += (first - begin) * to.tile;
    transform_kind<Line<kWindow, decltype(down)::value>, Line<kWindow, decltype(across)::value>, tile_size(kWindow)>(
        images, grid, top, left, first, last, spot);
  });
}

// ---- does it pay? --------------------------------------------------------------------------------------------------

// Beyond these a pixel of zeros would not fit scratch.
inline constexpr int64_t kMostChannels = kScratchFloats / 2;

// Does the algorithm apply at all?
inline bool is_winograd_shape(const Conv2dShape& s) {
  return !s.direct_only && (s.kh == 3 || s.kh == 5) && s.kw == s.kh && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.c <= kMostChannels && s.oc <= kMostChannels;
}

// What it takes to transform a window, for a number of the 36.
inline double window_weight(const Conv2dShape& s) { return s.kh == 3 ? 8 : 16; }

// Is it faster than what else there is? Counts multiply-adds at full speed; what moves memory weighs more. Depends on
// the shape without n, so that an image's result does not depend on its batch; windows are taken to serve two images.
// Whole vectors of channels are what is paid for, `beside` a planar convolution only here: that copies instead.
// bench_conv2d, with and without direct_only in its shapes, re-measures the weights.
inline bool winograd_pays(const Conv2dShape& s, double window, bool beside_planar) {
  const double patch = s.kh == 3 ? 4 : 12, outputs = 8;  // of a tile, as `window`
  const int64_t least = s.kh == 3 ? 4 : 8;
  if (s.c < least || s.oc < least) return false;
  const double c = static_cast<double>(round_to_lanes(s.c)), oc = static_cast<double>(round_to_lanes(s.oc));
  const double products = static_cast<double>(s.c) * oc;
  const TileGrid grid(s);
  // Of an image of one row of tiles most is padding, which direct convolution passes over.
  const int64_t down = max_of(kPatchSize, grid.down.points()), across = max_of(kPatchSize, grid.across.points());
  const double positions = static_cast<double>(down * across);
  const double winograd = positions * (products + patch * c + outputs * oc) + kPositions * window * products / 2;
  const double taps = static_cast<double>(s.kh * s.kw * s.oh * s.ow * s.c);
  return winograd < 0.9 * taps * (beside_planar ? 1.15 * static_cast<double>(s.oc) : oc);
}

}  // namespace linnet::LINNET_ISA
