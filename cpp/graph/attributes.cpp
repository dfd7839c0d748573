// Checks a node's attributes against its operation's schema.
#include "graph/attributes.h"

#include <sstream>
#include <stdexcept>

namespace linnet {
namespace {

// The value as the type of `like`, where nothing is lost by it.
bool convert(const Attribute& value, const Attribute& like, Attribute* result) {
  if (value.index() == like.index()) {
    *result = value;
    return true;
  }
  if (std::holds_alternative<double>(like) && std::holds_alternative<int64_t>(value)) {
    *result = static_cast<double>(std::get<int64_t>(value));
    return true;
  }
  if (std::holds_alternative<int64_t>(like) && std::holds_alternative<bool>(value)) {
    *result = static_cast<int64_t>(std::get<bool>(value));
    return true;
  }
  if (std::holds_alternative<bool>(like) && std::holds_alternative<int64_t>(value)) {
    *result = std::get<int64_t>(value) != 0;
    return true;
  }
  return false;
}

std::string takes(const std::vector<AttributeSpec>& schema) {
  if (schema.empty()) return "it takes none";
  std::string text = "it takes";
  for (const AttributeSpec& spec : schema) text += std::string(text == "it takes" ? " " : ", ") + spec.name;
  return text;
}

}  // namespace

const char* type_name(const Attribute& attribute) {
  static const char* const names[] = {"bool", "int", "float", "str", "list of int"};
  return names[attribute.index()];
}

Attributes check_attributes(const std::string& op, const std::vector<AttributeSpec>& schema, const Attributes& given) {
  Attributes result;
  for (const auto& item : given.items()) {
    bool known = false;
    for (const AttributeSpec& spec : schema) known = known || item.first == spec.name;
    if (!known) throw std::invalid_argument(op + ": unknown attribute '" + item.first + "'; " + takes(schema));
  }
  for (const AttributeSpec& spec : schema) {
    const Attribute* value = given.find(spec.name);
    if (!value) {
      if (spec.required)
        throw std::invalid_argument(op + ": attribute '" + spec.name + "' is missing; " + takes(schema));
      result.set(spec.name, spec.fallback);
      continue;
    }
    Attribute converted;
    if (!convert(*value, spec.fallback, &converted)) {
      throw std::invalid_argument(op + ": attribute '" + spec.name + "' must be " + type_name(spec.fallback) +
                                  ", got " + type_name(*value));
    }
    result.set(spec.name, std::move(converted));
  }
  return result;
}

std::string to_string(const Attributes& attributes) {
  std::ostringstream out;
  const char* separator = "";
  for (const auto& [name, value] : attributes.items()) {
    out << separator << name << "=";
    separator = " ";
    if (const bool* flag = std::get_if<bool>(&value)) {
      out << (*flag ? "true" : "false");
    } else if (const int64_t* integer = std::get_if<int64_t>(&value)) {
      out << *integer;
    } else if (const double* number = std::get_if<double>(&value)) {
      out << *number;
    } else if (const std::string* text = std::get_if<std::string>(&value)) {
      out << *text;
    } else {
      out << "[";
      const Ints& ints = std::get<Ints>(value);
      for (size_t i = 0; i < ints.size(); ++i) out << (i ? "," : "") << ints[i];
      out << "]";
    }
  }
  return out.str();
}

}  // namespace linnet
