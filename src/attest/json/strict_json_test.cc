// JSON with one reading only: what is refused and what is read.
// SPDX-License-Identifier: Apache-2.0
#include "attest/json/strict_json.h"

#include <gtest/gtest.h>

namespace sotto::attest {
namespace {

constexpr uint64_t kMax = 1 << 16;

TEST(StrictJson, reads_members_by_their_type) {
  const auto value = parse_strict_json(R"({"s":"x","n":-7,"b":true,"o":{"s":1}})", kMax);
  ASSERT_TRUE(value) << value.error().message;
  const boost::json::object& object = value->as_object();
  EXPECT_EQ(*json_string(object, "s", "test"), "x");
  EXPECT_EQ(*json_integer(object, "n", "test"), -7);
  EXPECT_TRUE(*json_bool(object, "b", "test"));
  EXPECT_EQ((*json_object(object, "o", "test"))->size(), 1U);
  EXPECT_FALSE(json_string(object, "n", "test"));
  EXPECT_FALSE(json_integer(object, "s", "test"));
  EXPECT_FALSE(json_bool(object, "n", "test"));
  EXPECT_FALSE(json_object(object, "s", "test"));
  EXPECT_FALSE(json_member(object, "missing", "test"));
  EXPECT_EQ(find_object(object, "missing"), nullptr);
}

TEST(StrictJson, refuses_names_that_stand_twice) {
  EXPECT_FALSE(parse_strict_json(R"({"a":1,"a":2})", kMax));
  EXPECT_FALSE(parse_strict_json(R"({"x":[{"a":1,"b":{},"a":2}]})", kMax));
  EXPECT_FALSE(parse_strict_json(R"({"a":1,"\u0061":2})", kMax)) << "escapes are the same name";
  EXPECT_TRUE(parse_strict_json(R"({"a":{"a":1},"b":{"a":1}})", kMax));
}

TEST(StrictJson, refuses_what_is_not_one_text) {
  for (const char* text : {"", "{", "{}{}", "{} x", "{\"a\":}", "[1,]", "{\"a\":1,}", "nul",
                           "{\"a\":\"\xff\"}", "/* */ {}"}) {
    EXPECT_FALSE(parse_strict_json(text, kMax)) << text;
  }
  EXPECT_FALSE(parse_strict_json("[1,2,3]", 6));
  EXPECT_TRUE(parse_strict_json("[1,2,3]", 7));
}

TEST(StrictJson, bounds_depth) {
  EXPECT_TRUE(parse_strict_json(std::string(32, '[') + std::string(32, ']'), kMax));
  EXPECT_FALSE(parse_strict_json(std::string(33, '[') + std::string(33, ']'), kMax));
}

}  // namespace
}  // namespace sotto::attest
