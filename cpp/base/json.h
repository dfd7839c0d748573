// A strict JSON reader (RFC 8259) for the headers of model files. It takes exactly the grammar and nothing more: no
// comments, no trailing commas, no NaN, no second key of the same name, valid UTF-8 only, at most kMaxJsonDepth
// levels. Whatever the bytes are, the answer is a value or one JsonError that says what was found at which byte.
//
// Numbers without a fraction or exponent are int64_t, all others double, so that 1 and 1.0 stay different, as they are
// in Python. There is no writer: Python writes the files.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace linnet {

class JsonError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr int kMaxJsonDepth = 64;

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;  // in the order of the text

  // Throws JsonError.
  static Json parse(std::string_view text);

  // These throw JsonError when the value is of another kind; `what` names it in the message.
  bool boolean(const std::string& what) const { return get<bool>(what); }
  int64_t integer(const std::string& what) const { return get<int64_t>(what); }
  const std::string& text(const std::string& what) const { return get<std::string>(what); }
  const Array& array(const std::string& what) const { return get<Array>(what); }
  const Object& object(const std::string& what) const { return get<Object>(what); }
  std::vector<int64_t> integers(const std::string& what) const;

  // The member of an object, or null; `at` throws JsonError instead.
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key, const std::string& what) const;

  // Which kind it is: std::monostate is null.
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value;

 private:
  const char* kind() const;
  template <class T>
  const T& get(const std::string& what) const {
    if (const T* found = std::get_if<T>(&value)) return *found;
    Json wanted;
    wanted.value = T{};
    throw JsonError(what + " must be " + wanted.kind() + ", got " + kind());
  }
};

}  // namespace linnet
