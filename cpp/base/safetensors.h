// A strict safetensors reader. Such a file is eight bytes with the length of a JSON header, the header, and the
// numbers:
//
//   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
//
// A file is somebody else's bytes. Everything is checked before anything is used: the header is JSON of this form and
// nothing else, every shape fits its offsets, and the tensors cover the data without gap or overlap. A wrong file is
// one SafetensorsError that names what is wrong; it is never a crash, and memory is taken only for bytes that are in
// the file (they are there twice while it is read).
//
// Only float32 and int32 are read, the types linnet computes with. Numbers are little-endian, as in the file.
#pragma once
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/shape.h"

namespace linnet {

class SafetensorsError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SafetensorsTensor {
  DType dtype = DType::f32;  // f32 or i32
  Shape shape;
  std::vector<std::byte> data;
};

struct Safetensors {
  std::map<std::string, SafetensorsTensor> tensors;
  std::map<std::string, std::string> metadata;

  // From the bytes of a file.
  static Safetensors parse(const std::string& bytes);
  // From a file; messages begin with `path`. A file that cannot be opened is a SafetensorsError, too.
  static Safetensors read(const std::string& path);
};

// The longest header that is read. The format's own limit.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

}  // namespace linnet
