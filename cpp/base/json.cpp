// The parser behind json.h: recursive descent over a string_view, one function per kind of value. Start at `value`.
//
// `end_` is never passed: every look at a byte goes through `peek`, which answers '\0' at the end, and '\0' is legal
// nowhere in JSON.
#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <unordered_set>

namespace linnet {
namespace {

// Bytes of the UTF-8 character at the start of `text`; 0 when it is not a valid one (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool second = follows(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
    return second && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool second = follows(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json document() {
    Json result = value(0);
    skip_space();
    if (at_ != text_.size()) fail("something follows the value");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw JsonError("not valid JSON: " + why + " at byte " + std::to_string(at_));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  void expect(char c) {
    if (peek() != c) fail(at_ == text_.size() ? "it ends too early" : std::string("'") + c + "' is missing");
    ++at_;
  }

  Json value(int depth) {
    if (depth > kMaxJsonDepth) fail("more than " + std::to_string(kMaxJsonDepth) + " levels");
    skip_space();
    Json result;
    switch (peek()) {
      case '{':
        result.value = object(depth);
        return result;
      case '[':
        result.value = array(depth);
        return result;
      case '"':
        result.value = string();
        return result;
      case 't':
        word("true");
        result.value = true;
        return result;
      case 'f':
        word("false");
        result.value = false;
        return result;
      case 'n':
        word("null");
        return result;
      default:
        return number();
    }
  }

  void word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) fail("an unknown word");
    at_ += expected.size();
  }

  Json::Array array(int depth) {
    Json::Array items;
    expect('[');
    skip_space();
    if (peek() == ']') {
      ++at_;
      return items;
    }
    for (;;) {
      items.push_back(value(depth + 1));
      skip_space();
      if (peek() != ',') break;
      ++at_;
    }
    expect(']');
    return items;
  }

  Json::Object object(int depth) {
    Json::Object members;
    std::unordered_set<std::string> keys;
    expect('{');
    skip_space();
    if (peek() == '}') {
      ++at_;
      return members;
    }
    for (;;) {
      skip_space();
      std::string key = string();
      if (!keys.insert(key).second) fail("the key \"" + key + "\" is there twice");
      skip_space();
      expect(':');
      members.emplace_back(std::move(key), value(depth + 1));
      skip_space();
      if (peek() != ',') break;
      ++at_;
    }
    expect('}');
    return members;
  }

  std::string string() {
    std::string out;
    expect('"');
    for (;;) {
      if (at_ == text_.size()) fail("a string has no end");
      const char c = peek();
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      if (c == '\\') {
        ++at_;
        escape(out);
        continue;
      }
      const size_t length = utf8_length(text_.substr(at_));
      if (length == 0) fail("bytes that are not UTF-8");
      out.append(text_, at_, length);
      at_ += length;
    }
    ++at_;
    return out;
  }

  void escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt", kBytes = "\"\\/\b\f\n\r\t";
    const char name = peek();
    if (name == 'u') {
      ++at_;
      return unicode_escape(out);
    }
    const size_t which = name == '\0' ? std::string_view::npos : kNames.find(name);
    if (which == std::string_view::npos) fail("an unknown escape");
    out.push_back(kBytes[which]);
    ++at_;
  }

  // Characters above U+FFFF are two escapes, a high and a low surrogate.
  void unicode_escape(std::string& out) {
    unsigned code = four_digits();
    if (code >= 0xdc00 && code <= 0xdfff) fail("half of a character");
    if (code >= 0xd800 && code <= 0xdbff) {
      if (text_.substr(at_, 2) != "\\u") fail("half of a character");
      at_ += 2;
      const unsigned low = four_digits();
      if (low < 0xdc00 || low > 0xdfff) fail("half of a character");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code);
  }

  unsigned four_digits() {
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) fail("an unknown escape");
    at_ += 4;
    return code;
  }

  bool digit() const { return peek() >= '0' && peek() <= '9'; }

  void digits() {
    if (!digit()) fail(at_ == text_.size() ? "it ends too early" : "no value");
    while (digit()) ++at_;
  }

  Json number() {
    const size_t begin = at_;
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const size_t first = at_;
    digits();
    if (zero && at_ > first + 1) fail("a number that begins with 0");
    bool whole = true;
    if (peek() == '.') {
      whole = false;
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits();
    }
    Json result;
    const auto read = [&](auto zero_of_type) {
      if (std::from_chars(text_.data() + begin, text_.data() + at_, zero_of_type).ec != std::errc())
        fail("a number that is too large");
      result.value = zero_of_type;
    };
    if (whole) {
      read(int64_t{0});
    } else {
      read(0.0);
    }
    return result;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Json Json::parse(std::string_view text) { return Parser(text).document(); }

std::vector<int64_t> Json::integers(const std::string& what) const {
  std::vector<int64_t> result;
  for (const Json& item : array(what)) result.push_back(item.integer("an item of " + what));
  return result;
}

const Json* Json::find(std::string_view key) const {
  const Object* members = std::get_if<Object>(&value);
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [&](const auto& m) { return m.first == key; });
  return found == members->end() ? nullptr : &found->second;
}

const Json& Json::at(std::string_view key, const std::string& what) const {
  object(what);
  if (const Json* found = find(key)) return *found;
  throw JsonError(what + " has no \"" + std::string(key) + "\"");
}

const char* Json::kind() const {
  static const char* const kNames[] = {"null",     "true or false", "an integer", "a number with a fraction",
                                       "a string", "a list",        "an object"};
  return kNames[value.index()];
}

}  // namespace linnet
