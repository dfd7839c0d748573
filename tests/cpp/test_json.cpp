// The strict JSON reader: what it takes, what it refuses and how it says so, and random damage, which must never crash.
#include "base/json.h"

#include <doctest/doctest.h>

#include <string>

#include "kernel_test.h"

using linnet::Json;
using linnet::JsonError;

TEST_CASE("json: values of every kind") {
  const Json json = Json::parse(" {\"a\" : [1, -2.5e1, true,false , null, \"x\\n\\u00e9\\ud83d\\ude00\"], \"b\":{}}\n");
  const Json::Array& list = json.at("a", "test").array("a");
  REQUIRE(list.size() == 6);
  CHECK(list[0].integer("item") == 1);
  CHECK(std::get<double>(list[1].value) == -25.0);
  CHECK(list[2].boolean("item"));
  CHECK_FALSE(list[3].boolean("item"));
  CHECK(std::holds_alternative<std::monostate>(list[4].value));
  CHECK(list[5].text("item") == "x\n\u00e9\U0001f600");
  CHECK(json.at("b", "test").object("b").empty());
  CHECK(json.find("c") == nullptr);
  CHECK(Json::parse("[1,2,3]").integers("list") == std::vector<int64_t>{1, 2, 3});
  CHECK(Json::parse("-9223372036854775808").integer("n") == INT64_MIN);
  CHECK(std::get<double>(Json::parse("0.1").value) == 0.1);
  CHECK(Json::parse("\"\u00e9\u4e2d\U0001f600\"").text("t") == "\u00e9\u4e2d\U0001f600");
}

TEST_CASE("json: whole numbers and others stay apart") {
  CHECK(std::holds_alternative<int64_t>(Json::parse("1").value));
  CHECK(std::holds_alternative<double>(Json::parse("1.0").value));
  CHECK(std::holds_alternative<double>(Json::parse("1e0").value));
}

TEST_CASE("json: everything else is refused") {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const std::string bad[] = {"",
                             " ",
                             "{",
                             "[",
                             "[1",
                             "[1,",
                             "[1,]",
                             "[,1]",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{1:1}",
                             "\"",
                             "\"\\",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\u12g4\"",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800\\u0041\"",
                             "\"\t\"",
                             "\"\x80\"",
                             "\"\xc0\xaf\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xf4\x90\x80\x80\"",
                             "\"\xe4\xb8\"",
                             "tru",
                             "nul",
                             "True",
                             "NaN",
                             "Infinity",
                             "-",
                             "+1",
                             "01",
                             "-01",
                             "1.",
                             ".5",
                             "1e",
                             "1e+",
                             "0x1",
                             "1 2",
                             "[1 2]",
                             "{\"a\" 1}",
                             "9223372036854775808",
                             "1e999",
                             "{\"a\":1,\"a\":2}",
                             "[1]x",
                             "'a'",
                             "// no\n1",
                             std::string("1\0", 2),
                             deep};
  for (const std::string& text : bad) {
    CAPTURE(text.substr(0, 40));
    CHECK_THROWS_AS(Json::parse(text), JsonError);
  }
}

TEST_CASE("json: messages say what was found and where") {
  CHECK_THROWS_WITH(Json::parse("[1, x]"), "not valid JSON: no value at byte 4");
  CHECK_THROWS_WITH(Json::parse("{\"a\": 1, \"a\": 2}"), "not valid JSON: the key \"a\" is there twice at byte 12");
  CHECK_THROWS_WITH(Json::parse("[1"), "not valid JSON: it ends too early at byte 2");
  CHECK_THROWS_WITH(Json::parse("[1]").object("the header"), "the header must be an object, got a list");
  CHECK_THROWS_WITH(Json::parse("{}").at("x", "the header"), "the header has no \"x\"");
}

TEST_CASE("json: damaged texts are an error or a value, never more") {
  const std::string whole = "{\"a\": [1, 2.5, true, null], \"b\": {\"c\\u0041\": \"\u00e9\", \"d\": [[-1e3]]}}";
  linnet::test::Numbers numbers(1);
  int errors = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (uint64_t k = 1 + numbers.next() % 3; k-- > 0;) text[numbers.next() % text.size()] = char(numbers.next());
    if (numbers.next() % 4 == 0) text.resize(numbers.next() % text.size());
    try {
      Json::parse(text);
    } catch (const JsonError&) {
      ++errors;
    }
  }
  CHECK(errors > 10000);
}
