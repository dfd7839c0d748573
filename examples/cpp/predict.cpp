// Runs a model that was trained in Python.
//
//   in Python:   model.export("digits.graph")
//                safetensors.numpy.save_file({"image": images}, "images.safetensors")      # one array for each input
//   here:        ./predict digits.graph images.safetensors
//
// Prints the outputs, one line a sample, with enough digits to tell any two float32 numbers apart.
#include <linnet/linnet.h>

#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::string text(const linnet::Shape& shape) {
  std::string result = "(n";
  for (size_t axis = 1; axis < shape.size(); ++axis) result += ", " + std::to_string(shape[axis]);
  return result + ")";
}

void predict(const std::string& model_path, const std::string& data_path) {
  const linnet::Model model = linnet::Model::load(model_path);
  const std::map<std::string, linnet::Array> data = linnet::load_arrays(data_path);

  std::vector<linnet::ArrayView> inputs;
  for (const linnet::Port& input : model.inputs()) {
    std::printf("# input %s %s\n", input.name.c_str(), text(input.shape).c_str());
    const auto found = data.find(input.name);
    if (found == data.end()) throw std::runtime_error(data_path + " has no array \"" + input.name + "\"");
    inputs.push_back(found->second);
  }
  const std::vector<linnet::Array> outputs = model.predict(inputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const linnet::Port& port = model.outputs()[i];
    const linnet::Array& output = outputs[i];
    std::printf("# output %s %s\n", port.name.c_str(), text(port.shape).c_str());
    const size_t rows = static_cast<size_t>(output.shape[0]);
    const size_t row = rows == 0 ? 0 : output.size() / rows;
    for (size_t j = 0; j < output.size(); ++j) {
      if (port.integer) {
        std::printf("%d", output.integers[j]);
      } else {
        std::printf("%.9g", static_cast<double>(output.values[j]));
      }
      std::printf("%c", j % row == row - 1 ? '\n' : ' ');
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL DATA, files by model.export and by safetensors\n", argv[0]);
    return 2;
  }
  try {
    predict(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
