// Times: both ways, and texts that are none.
// SPDX-License-Identifier: Apache-2.0
#include "base/utc_time.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(UtcTime, goes_both_ways) {
  EXPECT_EQ(parse_utc_time("1970-01-01T00:00:00Z").value(), 0);
  EXPECT_EQ(parse_utc_time("2025-06-19T10:16:03Z").value(), 1750328163);
  EXPECT_EQ(parse_utc_time("2025-06-19T10:16:03.123456Z").value(), 1750328163);
  for (int64_t time : {0LL, 951782400LL, 1750328163LL, 253402300799LL}) {
    EXPECT_EQ(parse_utc_time(utc_time_text(time)).value(), time);
  }
  EXPECT_EQ(utc_time_text(-1), "-1");
}

TEST(UtcTime, refuses_what_is_no_time) {
  for (std::string_view bad :
       {"", "2025-06-19", "2025-06-19T10:16:03", "2025-06-19 10:16:03Z", "2025-02-29T00:00:00Z",
        "2025-06-19T24:00:00Z", "2025-06-19T10:60:00Z", "2025-06-19T10:16:60Z",
        "2025-06-19T10:16:03+00:00Z", "2025-06-19T10:16:03.Z", "1969-12-31T23:59:59Z",
        "2025-13-01T00:00:00Z", "2O25-06-19T10:16:03Z"}) {
    EXPECT_FALSE(parse_utc_time(bad)) << bad;
  }
}

}  // namespace
}  // namespace sotto
