// Formats as patterns. They match less than the formats allow, and nothing that these forbid.
// SPDX-License-Identifier: Apache-2.0
#include "text/json_formats.h"

#include <string>
#include <utility>

namespace sotto::text {

namespace {

#define DATE                                                                         \
  "[0-9]{4}-((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|" \
  "[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
#define TIME                                                             \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01]" \
  "[0-9]|2[0-3]):[0-5][0-9])"
#define N "[0-9]{1,6}"
#define DURATION_TIME "T(" N "S|" N "M(" N "S)?|" N "H(" N "M(" N "S)?)?)"
#define LABEL "[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?"
#define HOST LABEL "(\\." LABEL "){0,3}"
#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define ATOM "[A-Za-z0-9_+-]{1,20}"

constexpr std::pair<std::string_view, std::string_view> kFormats[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"duration", "^P(" N "W|(" N "D|" N "M(" N "D)?|" N "Y(" N "M(" N "D)?)?)(" DURATION_TIME
                 ")?|" DURATION_TIME ")$"},
    {"email", "^" ATOM "(\\." ATOM "){0,2}@" LABEL "(\\." LABEL "){0,2}\\.[a-z]{2,12}$"},
    {"hostname", "^" HOST "$"},
    {"ipv4", "^" OCTET "(\\." OCTET "){3}$"},
    {"ipv6", "^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}$"},
    {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    {"uri", "^https?://" HOST "(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]{0,60}){0,8}$"},
};

}  // namespace

std::optional<std::string_view> pattern_of_format(std::string_view format) {
  for (const auto& [name, pattern] : kFormats) {
    if (name == format) return pattern;
  }
  return std::nullopt;
}

}  // namespace sotto::text
