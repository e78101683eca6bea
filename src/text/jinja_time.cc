// The letters of a strftime format.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_time.h"

#include <algorithm>

namespace sotto::text::jinja {

namespace {

constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                   "May",       "June",     "July",     "August",
                                   "September", "October",  "November", "December"};

std::string two(int value) {
  return fmt::format("{:02}", value);
}

int monday_based(const std::tm& now) {
  return (now.tm_wday + 6) % 7;
}
int year_of(const std::tm& now) {
  return now.tm_year + 1900;
}
int hour12(const std::tm& now) {
  return now.tm_hour % 12 == 0 ? 12 : now.tm_hour % 12;
}

// Empty for letters that are not of the date.
std::string date_part(char letter, const std::tm& now) {
  switch (letter) {
    case 'a':
      return std::string(kDays[now.tm_wday], 3);
    case 'A':
      return kDays[now.tm_wday];
    case 'b':
    case 'h':
      return std::string(kMonths[now.tm_mon], 3);
    case 'B':
      return kMonths[now.tm_mon];
    case 'C':
      return two(year_of(now) / 100);
    case 'd':
      return two(now.tm_mday);
    case 'e':
      return fmt::format("{:2}", now.tm_mday);
    case 'j':
      return fmt::format("{:03}", now.tm_yday + 1);
    case 'm':
      return two(now.tm_mon + 1);
    case 'u':
      return fmt::format("{}", monday_based(now) + 1);
    case 'U':
      return two((now.tm_yday + 7 - now.tm_wday) / 7);
    case 'w':
      return fmt::format("{}", now.tm_wday);
    case 'W':
      return two((now.tm_yday + 7 - monday_based(now)) / 7);
    case 'y':
      return two(year_of(now) % 100);
    case 'Y':
      return fmt::format("{}", year_of(now));
    default:
      return "";
  }
}

// Empty for letters that are not of the time.
std::string time_part(char letter, const std::tm& now) {
  switch (letter) {
    case 'f':
      return "000000";
    case 'H':
      return two(now.tm_hour);
    case 'I':
      return two(hour12(now));
    case 'k':
      return fmt::format("{:2}", now.tm_hour);
    case 'l':
      return fmt::format("{:2}", hour12(now));
    case 'M':
      return two(now.tm_min);
    case 'n':
      return "\n";
    case 'p':
      return now.tm_hour < 12 ? "AM" : "PM";
    case 'S':
      return two(now.tm_sec);
    case 't':
      return "\t";
    case '%':
      return "%";
    default:
      return "";
  }
}

// What stands for several others; empty for letters that do not.
std::string_view meaning(char letter) {
  switch (letter) {
    case 'c':
      return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
      return "%m/%d/%y";
    case 'F':
      return "%Y-%m-%d";
    case 'R':
      return "%H:%M";
    case 'T':
    case 'X':
      return "%H:%M:%S";
    default:
      return "";
  }
}

}  // namespace

Result<std::string> format_time(std::string_view format, const std::tm& now) {
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    const bool bare = i + 1 < format.size() && format[i + 1] == '-';
    i += bare ? 2 : 1;
    const char letter = i < format.size() ? format[i] : '\0';
    if (letter == 'z' || letter == 'Z') continue;
    std::string part = date_part(letter, now);
    if (part.empty()) part = time_part(letter, now);
    if (part.empty() && !meaning(letter).empty()) part = TRY(format_time(meaning(letter), now));
    if (part.empty()) return fail(ErrorKind::unsupported, "this strftime format");
    if (bare) part.erase(0, std::min(part.find_first_not_of("0 "), part.size() - 1));
    out += part;
  }
  return out;
}

}  // namespace sotto::text::jinja
