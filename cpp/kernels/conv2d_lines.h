// Lines: what convolutions do whose groups are narrower than a vector, so that a lane has an input of its own.
//
// A pixel that has been loaded is used for every output that it reaches. forward and grad_input compute lines: the
// outputs of one row, or in grad_input at a stride every stride-th of them, which are all sums of the same taps over
// neighbouring pixels (of x, or of dy backwards). grad_weight goes along a row of dy with the gradients of some rows of
// the window in registers, and adds up dy for dbias on the way. Columns outside the image are left out of the sums.
//
// conv2d_depthwise.cpp reads x as it lies; conv2d_grouped.cpp first repeats each input for the outputs of its group.
#pragma once
#include "kernels/conv2d_algorithms.h"

namespace linnet::LINNET_ISA {

// What one row of pixels adds to a line.
struct LineRow {
  const float* x;  // (columns, pixel)
  const float* w;  // (taps, channels), w_step apart
};
struct Line {
  const LineRow* rows;
  int64_t row_count, taps;
  int64_t w_step;        // floats from one tap's weights to the next
  int64_t channels;      // kLanes or more; the last vector overlaps the one before rather than go further
  int64_t stored;        // channels of the output that exist: all of them, or fewer than kLanes
  int64_t pixel;         // floats from one pixel to the next
  int64_t columns;       // of the image
  int64_t first;         // its column below output 0 and tap 0, perhaps outside
  int64_t stride, step;  // columns from one output, and from one tap, to the next
  const float* bias;     // (channels) or null
  bool relu;
  float* y;  // output 0
  int64_t y_step;
  bool past_caches = false;      // y goes past them: whole vectors, aligned, no activation but relu to come
  const float* ahead = nullptr;  // (ahead_floats) what the next line reads first, to be asked for on the way
  int64_t ahead_floats = 0;
};
void run_line(const Line&, int64_t outputs);

// Which columns of the window the outputs x, x + stride_w, ... of grad_input's line meet, and where in dy: kx =
// last_kx, last_kx - kx_step, ... (`taps` of them) with the columns first, first + dy_step, ... of dy below output 0.
struct LinePhase {
  int64_t taps, last_kx, kx_step, dy_step, first;
};
LinePhase line_phase(const Conv2dShape&, int64_t x);

// Adds one vector of a row of dy, times some rows of x, to the gradients of as many rows of the window.
struct LineSum {
  const float* x;  // the first row of x at column 0
  int64_t x_row, x_pixel;
  int64_t first, stride, step, columns;  // as in Line
  const float* dy;
  int64_t ow, dy_pixel;
  float* sums;  // (rows, taps) vectors, sums_step apart
  int64_t sums_step;
  float* bias;  // a vector, or null
  const float *x_ahead = nullptr,
              *dy_ahead = nullptr;  // (ow, vector) that come next, to be asked for on the way; or null
};
int64_t line_sum_rows(int64_t taps);  // at once, at most
void add_line(const LineSum&, int64_t taps, int64_t rows);

}  // namespace linnet::LINNET_ISA
