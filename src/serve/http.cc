// Fields, targets, dates.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace sotto::serve {

std::string_view HttpRequest::field(std::string_view name) const {
  for (const auto& [field_name, value] : fields) {
    if (field_name == name) return value;
  }
  return {};
}

namespace {

std::string_view origin_form(std::string_view target) {
  if (target.starts_with('/')) return target;
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return {};
  const size_t slash = target.find('/', scheme + 3);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

}  // namespace

void set_target(HttpRequest& request, std::string_view target) {
  target = origin_form(target);
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
}

std::string http_date() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

}  // namespace sotto::serve
