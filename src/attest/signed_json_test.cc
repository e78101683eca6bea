// Raw members: found with exactly their bytes, or refused.
// SPDX-License-Identifier: Apache-2.0
#include "attest/signed_json.h"

#include <gtest/gtest.h>

namespace sotto::attest {
namespace {

std::string member(std::string_view json, std::string_view name) {
  const Result<std::string_view> found = raw_member(json, name);
  return found ? std::string(*found) : "refused";
}

TEST(SignedJson, gives_a_members_bytes_as_they_came) {
  EXPECT_EQ(member(R"({"a":{"b": [1, "}", "\""]} , "c":"x"})", "a"), R"({"b": [1, "}", "\""]})");
  EXPECT_EQ(member(R"( {"a":{},"c": "x\\" } )", "c"), R"("x\\")");
  EXPECT_EQ(member(R"({"a":12 ,"b":null})", "a"), "12");
  EXPECT_EQ(member(R"({"a":12,"b":null})", "b"), "null");
}

TEST(SignedJson, refuses_what_is_missing_doubled_or_cut_off) {
  for (std::string_view bad :
       {"", "[]", "{", "{}", R"({"b":1})", R"({"a":1,"a":2})", R"({"a")", R"({"a":)", R"({"a":})",
        R"({"a":{})", R"({"a":"x)", R"({"a":"x\)", R"({"a":1)", R"({"a":1}x)", R"({"a":1,})",
        R"({"a" 1})", R"({a:1})"}) {
    EXPECT_EQ(member(bad, "a"), "refused") << bad;
  }
  EXPECT_EQ(member("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "a"),
            "refused");
}

}  // namespace
}  // namespace sotto::attest
