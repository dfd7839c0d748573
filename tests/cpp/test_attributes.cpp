// Attributes against a schema: defaults, harmless conversions, and messages for the rest.
#include <doctest/doctest.h>

#include <stdexcept>

#include "graph/attributes.h"

using namespace linnet;

namespace {

const std::vector<AttributeSpec> kSchema = {
    {"axes", Ints{}, true}, {"rate", 0.5}, {"count", int64_t{3}}, {"keep", false}, {"mode", std::string("none")}};

std::string refusal(const Attributes& given) {
  try {
    check_attributes("sum \"s\"", kSchema, given);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("attributes: defaults and values") {
  const Attributes checked = check_attributes("sum", kSchema, {{"axes", Ints{1, 2}}, {"mode", std::string("relu")}});
  CHECK(checked.ints("axes") == Ints{1, 2});
  CHECK(checked.number("rate") == 0.5);
  CHECK(checked.integer("count") == 3);
  CHECK_FALSE(checked.flag("keep"));
  CHECK(checked.text("mode") == "relu");
  CHECK(checked.items().size() == kSchema.size());
  CHECK(to_string(checked) == "axes=[1,2] rate=0.5 count=3 keep=false mode=relu");
}

TEST_CASE("attributes: conversions that lose nothing") {
  const Attributes checked =
      check_attributes("sum", kSchema, {{"axes", Ints{}}, {"rate", int64_t{1}}, {"count", true}, {"keep", int64_t{1}}});
  CHECK(checked.number("rate") == 1.0);
  CHECK(checked.integer("count") == 1);
  CHECK(checked.flag("keep"));
}

TEST_CASE("attributes: what is refused, and how it is said") {
  CHECK(refusal({}) == "sum \"s\": attribute 'axes' is missing; it takes axes, rate, count, keep, mode");
  CHECK(refusal({{"axes", Ints{}}, {"axis", int64_t{1}}}) ==
        "sum \"s\": unknown attribute 'axis'; it takes axes, rate, count, keep, mode");
  CHECK(refusal({{"axes", int64_t{1}}}) == "sum \"s\": attribute 'axes' must be list of int, got int");
  CHECK(refusal({{"axes", Ints{}}, {"count", 1.5}}) == "sum \"s\": attribute 'count' must be int, got float");
  CHECK(refusal({{"axes", Ints{}}, {"rate", std::string("1")}}) ==
        "sum \"s\": attribute 'rate' must be float, got str");
  CHECK(refusal({{"axes", Ints{}}, {"mode", false}}) == "sum \"s\": attribute 'mode' must be str, got bool");
  CHECK_THROWS_WITH(check_attributes("relu", {}, {{"alpha", 1.0}}), "relu: unknown attribute 'alpha'; it takes none");
}

TEST_CASE("attributes: set replaces") {
  Attributes attributes = {{"a", int64_t{1}}};
  attributes.set("a", int64_t{2});
  attributes.set("b", 0.5);
  CHECK(attributes.integer("a") == 2);
  CHECK(attributes.items().size() == 2);
  CHECK(attributes.find("c") == nullptr);
}
