// Checks and copies (safetensors.h). Start at `parse`.
#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/json.h"

namespace linnet {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

struct Place {
  std::string name;
  SafetensorsTensor tensor;
  uint64_t begin = 0, end = 0;  // bytes of the data
};

// Element count times four; throws where that is no number of bytes.
uint64_t byte_count(const Shape& shape, const std::string& what) {
  uint64_t count = 4;
  for (int64_t dim : shape) {
    if (dim < 0) throw SafetensorsError(what + " has a negative size in its shape");
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(dim), &count))
      throw SafetensorsError(what + " has a shape of more elements than memory can hold");
  }
  return count;
}

Place place_of(const std::string& name, const Json& entry, uint64_t data_bytes) {
  const std::string what = "tensor \"" + name + "\"";
  for (const auto& [key, value] : entry.object(what)) {
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      throw SafetensorsError(what + " has an unknown key \"" + key + "\"");
  }
  Place place{.name = name, .tensor = {}};
  const std::string& dtype = entry.at("dtype", what).text(what + ", dtype,");
  if (dtype != "F32" && dtype != "I32") {
    throw SafetensorsError(what + " has the type " + dtype + "; only F32 (float32) and I32 (int32) are read");
  }
  place.tensor.dtype = dtype == "F32" ? DType::f32 : DType::i32;
  place.tensor.shape = entry.at("shape", what).integers(what + ", shape,");
  const std::vector<int64_t> offsets = entry.at("data_offsets", what).integers(what + ", data_offsets,");
  if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
    throw SafetensorsError(what + ": data_offsets must be a begin and an end");
  place.begin = static_cast<uint64_t>(offsets[0]);
  place.end = static_cast<uint64_t>(offsets[1]);
  if (place.end > data_bytes) {
    throw SafetensorsError(what + " ends at byte " + std::to_string(place.end) + " of the data, which has " +
                           std::to_string(data_bytes) + ": the file is truncated or damaged");
  }
  if (byte_count(place.tensor.shape, what) != place.end - place.begin) {
    throw SafetensorsError(what + " of shape " + to_string(place.tensor.shape) + " does not fit its " +
                           std::to_string(place.end - place.begin) + " bytes");
  }
  return place;
}

void check_cover(std::vector<Place>& places, uint64_t data_bytes) {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t covered = 0;
  for (const Place& place : places) {
    if (place.begin != covered) {
      throw SafetensorsError("tensor \"" + place.name + "\" begins at byte " + std::to_string(place.begin) +
                             " of the data, expected " + std::to_string(covered) + ": tensors " +
                             (place.begin < covered ? "overlap" : "leave a gap"));
    }
    covered = place.end;
  }
  if (covered != data_bytes) {
    throw SafetensorsError("the tensors end at byte " + std::to_string(covered) + " of the data, which has " +
                           std::to_string(data_bytes));
  }
}

}  // namespace

Safetensors Safetensors::parse(const std::string& bytes) {
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes) throw SafetensorsError("the file is truncated: shorter than 8 bytes");
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  if (header_bytes > kMaxSafetensorsHeader) {
    throw SafetensorsError("not a safetensors file: its first 8 bytes announce a header of " +
                           std::to_string(header_bytes) + " bytes, at most " + std::to_string(kMaxSafetensorsHeader) +
                           " are allowed");
  }
  if (header_bytes > bytes.size() - 8) throw SafetensorsError("the file is truncated: it ends inside its header");
  const std::string_view header(bytes.data() + 8, header_bytes);
  const char* const data = bytes.data() + 8 + header_bytes;
  const uint64_t data_bytes = bytes.size() - 8 - header_bytes;

  Safetensors result;
  std::vector<Place> places;
  try {
    if (header.substr(0, 1) != "{") throw SafetensorsError("not a safetensors file: the header does not begin with {");
    const Json json = Json::parse(header);
    for (const auto& [name, entry] : json.object("the header")) {
      if (name != "__metadata__") {
        places.push_back(place_of(name, entry, data_bytes));
        continue;
      }
      for (const auto& [key, value] : entry.object("__metadata__"))
        result.metadata.emplace(key, value.text("__metadata__, \"" + key + "\","));
    }
  } catch (const JsonError& error) {
    throw SafetensorsError(std::string("the header is damaged: ") + error.what());
  }
  check_cover(places, data_bytes);
  for (Place& place : places) {
    place.tensor.data.resize(place.end - place.begin);
    if (place.end > place.begin) std::memcpy(place.tensor.data.data(), data + place.begin, place.end - place.begin);
    result.tensors.emplace(std::move(place.name), std::move(place.tensor));
  }
  return result;
}

Safetensors Safetensors::read(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw SafetensorsError(path + ": there is no such file");
  if (!std::filesystem::is_regular_file(path, error)) throw SafetensorsError(path + " is not a file");
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw SafetensorsError(path + ": the file cannot be opened");
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size)))
    throw SafetensorsError(path + ": the file cannot be read");
  try {
    return parse(bytes);
  } catch (const SafetensorsError& wrong) {
    throw SafetensorsError(path + ": " + wrong.what());
  }
}

}  // namespace linnet
