// Points in time as text and as seconds.
// SPDX-License-Identifier: Apache-2.0
#include "base/utc_time.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace sotto {
namespace {

std::optional<unsigned> number(std::string_view digits) {
  unsigned value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

bool is_fraction(std::string_view text) {
  return text.empty() || (text.size() > 1 && text.size() <= 10 && text[0] == '.' &&
                          number(text.substr(1)).has_value());
}

}  // namespace

Result<int64_t> parse_utc_time(std::string_view text) {
  const auto refuse = [&] {
    return fail(ErrorKind::malformed, "{} characters are no time like 2025-06-19T10:16:03Z",
                text.size());
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z' || !is_fraction(text.substr(19, text.size() - 20))) {
    return refuse();
  }
  const auto year = number(text.substr(0, 4));
  const auto month = number(text.substr(5, 2));
  const auto day = number(text.substr(8, 2));
  const auto hour = number(text.substr(11, 2));
  const auto minute = number(text.substr(14, 2));
  const auto second = number(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second) return refuse();
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok() || *year < 1970 || *hour > 23 || *minute > 59 || *second > 59) return refuse();
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86400 + *hour * 3600 + *minute * 60 + *second;
}

std::string utc_time_text(int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds >= 253402300800) return fmt::format("{}", unix_seconds);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(unix_seconds / 86400))};
  const int64_t second = unix_seconds % 86400;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     second / 3600, second / 60 % 60, second % 60);
}

}  // namespace sotto
