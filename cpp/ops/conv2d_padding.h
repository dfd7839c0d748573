// Rewrites that let a convolution do the padding of its input (conv2d_padding.cpp).
#pragma once
#include "graph/op.h"

namespace linnet {

// Node `index` reads a padded image as input 0: it reads the image itself and pads it. `kernel` is the kernel's shape.
bool take_padding(Graph& graph, int index, const Shape& kernel);

// Node `index` is a gradient of which only a slice is read: it computes only that.
bool take_slice(Graph& graph, int index, const Shape& kernel);

}  // namespace linnet
