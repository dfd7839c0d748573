// The strict safetensors reader: a good file, every way in which a file can be wrong, and random damage.
#include "base/safetensors.h"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "kernel_test.h"

using linnet::Safetensors;
using linnet::SafetensorsError;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string bytes_of(std::initializer_list<float> numbers) {
  std::string bytes;
  for (float x : numbers) bytes.append(reinterpret_cast<const char*>(&x), 4);
  return bytes;
}

// b lies before a, as the order of names and of data are free.
const std::string kHeader =
    R"({"__metadata__":{"format":"linnet"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},)"
    R"("b":{"dtype":"I32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}})";
const std::string kData = std::string("\7\0\0\0", 4) + bytes_of({1.5f, -2.0f});

// The tensor "a" alone, with this description, before eight bytes of data.
std::string one(const std::string& description) {
  return file_of("{\"a\":{" + description + "}}", std::string(8, '\0'));
}

}  // namespace

TEST_CASE("safetensors: a good file") {
  const Safetensors file = Safetensors::parse(file_of(kHeader + "   ", kData));
  CHECK(file.metadata.at("format") == "linnet");
  REQUIRE(file.tensors.size() == 3);
  const linnet::SafetensorsTensor& a = file.tensors.at("a");
  CHECK(a.dtype == linnet::DType::f32);
  CHECK(a.shape == linnet::Shape{2, 1});
  float values[2];
  REQUIRE(a.data.size() == 8);
  std::memcpy(values, a.data.data(), 8);
  CHECK(values[0] == 1.5f);
  CHECK(values[1] == -2.0f);
  CHECK(file.tensors.at("b").dtype == linnet::DType::i32);
  CHECK(std::to_integer<int>(file.tensors.at("b").data[0]) == 7);
  CHECK(file.tensors.at("e").data.empty());
  CHECK(Safetensors::parse(file_of("{}", "")).tensors.empty());
}

TEST_CASE("safetensors: what is wrong is said") {
  const std::string whole = file_of(kHeader, kData);
  const auto fails = [](const std::string& bytes, const std::string& message) {
    CAPTURE(message);
    try {
      Safetensors::parse(bytes);
      FAIL_CHECK("no error");
    } catch (const SafetensorsError& error) {
      CHECK(std::string(error.what()).find(message) != std::string::npos);
      CAPTURE(error.what());
    }
  };
  fails("", "truncated");
  fails(whole.substr(0, 7), "truncated");
  fails(whole.substr(0, 8), "inside its header");
  fails(whole.substr(0, 50), "inside its header");
  fails(whole.substr(0, whole.size() - 1), "tensor \"a\" ends at byte 12 of the data, which has 11");
  fails(whole + "x", "end at byte 12 of the data, which has 13");
  fails(std::string(8, '\xff') + "{}", "announce a header of 18446744073709551615");
  fails("PK\x03\x04 a zip archive", "not a safetensors file");
  fails(file_of("[]", ""), "does not begin with {");
  fails(file_of("{", ""), "not valid JSON");
  fails(file_of(R"({"a":1})", ""), "tensor \"a\" must be an object, got an integer");
  fails(file_of(R"({"__metadata__":{"x":1}})", ""), "__metadata__, \"x\", must be a string");
  fails(file_of("{\"\xff\":1}", ""), "not UTF-8");
  fails(file_of(R"({"a":{},"a":{}})", ""), "\"a\" is there twice");
  fails(one(R"("dtype":"F32","shape":[2])"), "no \"data_offsets\"");
  fails(one(R"("dtype":"F32","data_offsets":[0,8])"), "no \"shape\"");
  fails(one(R"("shape":[2],"data_offsets":[0,8])"), "no \"dtype\"");
  fails(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1)"), "unknown key \"more\"");
  fails(one(R"("dtype":"F64","shape":[1],"data_offsets":[0,8])"), "has the type F64; only F32");
  fails(one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), "must be an integer");
  fails(one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), "negative");
  fails(one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), "does not fit its 8 bytes");
  fails(one(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8])"), "more elements");
  fails(one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), "a begin and an end");
  fails(one(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"), "a begin and an end");
  fails(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), "a begin and an end");
  fails(one(R"("dtype":"F32","shape":[2],"data_offsets":[8,16])"), "which has 8: the file is truncated");
  fails(one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), "leave a gap");
  const std::string two = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                          R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  fails(file_of(two, std::string(8, '\0')), "overlap");
}

TEST_CASE("safetensors: files on the disk") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  const std::string path =
      (folder / ("linnet_test_" + std::to_string(std::random_device{}()) + ".safetensors")).string();
  CHECK_THROWS_WITH(Safetensors::read(path), (path + ": there is no such file").c_str());
  CHECK_THROWS_WITH(Safetensors::read(folder.string()), (folder.string() + " is not a file").c_str());
  std::ofstream(path, std::ios::binary) << file_of(kHeader, kData);
  CHECK(Safetensors::read(path).tensors.size() == 3);
  std::ofstream(path, std::ios::binary) << "";
  CHECK_THROWS_WITH(Safetensors::read(path), (path + ": the file is truncated: shorter than 8 bytes").c_str());
  std::filesystem::remove(path);
}

TEST_CASE("safetensors: damaged files are an error or a file, never a crash") {
  const std::string whole = file_of(kHeader, kData);
  linnet::test::Numbers numbers(2);
  int errors = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    // Digits for digits find the checks of offsets and shapes; other bytes find those of the grammar.
    for (uint64_t k = 1 + numbers.next() % 3; k-- > 0;) {
      char& byte = bytes[numbers.next() % bytes.size()];
      const bool digit = byte >= '0' && byte <= '9';
      byte = static_cast<char>(digit ? '0' + numbers.next() % 10 : numbers.next());
    }
    if (numbers.next() % 8 == 0) bytes.resize(numbers.next() % bytes.size());
    try {
      Safetensors::parse(bytes);
    } catch (const SafetensorsError&) {
      ++errors;
    }
  }
  CHECK(errors > 10000);
}
