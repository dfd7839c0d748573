// A model that Python trained and exported, ready to predict:
//
//   model.export("digits.graph")                                   # in Python: any linnet model
//
//   linnet::Model model = linnet::Model::load("digits.graph");     // in C++
//   std::vector<linnet::Array> outputs = model.predict({images});  // n rows in, n rows out
//
// The predictions have the same bits as model.predict in Python on the same instruction set. The file holds weights and
// the list of operations, no code; a damaged or hostile file is an exception, never a crash.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "linnet/types.h"

namespace linnet {

struct ModelState;

// What goes into or comes out of a model.
struct Port {
  std::string name;
  Shape shape;           // shape[0] is -1: the rows
  bool integer = false;  // int32 (ids, classes) instead of float32
};

class Model {
 public:
  // Reads a file by model.export and plans it for up to `capacity` rows at once; `predict` takes any number, piece by
  // piece. Throws std::runtime_error that names the file and what is wrong with it.
  static Model load(const std::string& path, int64_t capacity = 32);

  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;

  // The outputs for these inputs, in the order of inputs() and outputs(). Safe to call from several threads; one
  // prediction runs at a time, on all of linnet's threads. Throws std::invalid_argument when the data does not fit.
  std::vector<Array> predict(const std::vector<ArrayView>& inputs) const;

  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

 private:
  explicit Model(std::unique_ptr<ModelState> state);
  std::unique_ptr<ModelState> state_;
};

// The float32 and int32 tensors of a safetensors file by name, for weights and test data. Throws std::runtime_error.
std::map<std::string, Array> load_arrays(const std::string& path);

}  // namespace linnet
