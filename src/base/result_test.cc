// Tests of Result, TRY and the errors' texts.
// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace sotto {
namespace {

Result<std::unique_ptr<int>> make_even(int value) {
  if (value % 2 != 0) return fail(ErrorKind::malformed, "value is {}, not even", value);
  return std::make_unique<int>(value);
}

Result<void> require_even(int value) {
  TRY(make_even(value));
  return {};
}

Result<int> half(int value) {
  const std::unique_ptr<int> even = TRY(make_even(value));
  TRY(require_even(value));
  return *even / 2;
}

TEST(Result, try_gives_the_value_also_of_a_type_that_only_moves) {
  const Result<int> result = half(8);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 4);
}

TEST(Result, try_returns_the_error_unchanged) {
  const Result<int> result = half(3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::malformed);
  EXPECT_EQ(result.error().message, "value is 3, not even");
}

TEST(Result, within_says_where_and_keeps_the_kind) {
  const Result<void> result = within("key 2", Error{ErrorKind::exhausted, "too long"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(result.error().message, "key 2: too long");
}

TEST(Result, every_kind_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    names.insert(to_string(static_cast<ErrorKind>(kind)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(ErrorKind::internal) + 1);
}

}  // namespace
}  // namespace sotto
