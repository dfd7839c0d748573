// Attributes of a node: a few named settings such as strides, and the schema an operation checks them against.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace linnet {

using Ints = std::vector<int64_t>;
using Attribute = std::variant<bool, int64_t, double, std::string, Ints>;

// One line of an operation's schema. The default's type is the attribute's type; `required` ignores its value.
struct AttributeSpec {
  const char* name;
  Attribute fallback;
  bool required = false;
};

class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, Attribute>> items) : items_(items) {}

  void set(const std::string& name, Attribute value) {
    for (auto& item : items_) {
      if (item.first == name) {
        item.second = std::move(value);
        return;
      }
    }
    items_.emplace_back(name, std::move(value));
  }
  const Attribute* find(const std::string& name) const {
    for (const auto& item : items_) {
      if (item.first == name) return &item.second;
    }
    return nullptr;
  }
  // After checking against the schema these cannot fail.
  bool flag(const std::string& name) const { return std::get<bool>(*find(name)); }
  int64_t integer(const std::string& name) const { return std::get<int64_t>(*find(name)); }
  double number(const std::string& name) const { return std::get<double>(*find(name)); }
  const std::string& text(const std::string& name) const { return std::get<std::string>(*find(name)); }
  const Ints& ints(const std::string& name) const { return std::get<Ints>(*find(name)); }

  const std::vector<std::pair<std::string, Attribute>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, Attribute>> items_;
};

// Fills defaults and converts (int to float, bool to int). Throws std::invalid_argument for an unknown, missing or
// mistyped attribute, naming `op` and what it takes.
Attributes check_attributes(const std::string& op, const std::vector<AttributeSpec>& schema, const Attributes& given);

// "float", "list of int", ...
const char* type_name(const Attribute& attribute);

std::string to_string(const Attributes& attributes);

}  // namespace linnet
