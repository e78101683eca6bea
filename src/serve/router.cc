// Finding the route, or saying why there is none.
// SPDX-License-Identifier: Apache-2.0
#include "serve/router.h"

#include <fmt/format.h>

#include <charconv>

#include "serve/http_error.h"

namespace sotto::serve {

void Router::add(std::string method, std::string path, Handler handler) {
  routes_.push_back({std::move(method), std::move(path), std::move(handler)});
}

Awaitable<void> Router::operator()(const HttpRequest& request, Exchange& exchange) const {
  std::string allowed;
  for (const Route& route : routes_) {
    const bool matches = route.path.ends_with('/')
                             ? request.path.starts_with(route.path) && request.path != route.path
                             : request.path == route.path;
    if (!matches) continue;
    const std::string_view method =
        request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
    if (route.method == method) {
      co_await route.handler(request, exchange);
      co_return;
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  HttpError error{404, "there is nothing at this path"};
  if (!allowed.empty()) {
    error.status = 405;
    error.message = fmt::format("this path takes {} only", allowed);
  }
  HttpAnswer answer = error_answer(error);
  if (!allowed.empty()) answer.fields.emplace_back("allow", allowed);
  const Result<void> ignored = co_await exchange.send(std::move(answer));
  (void)ignored;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    uint8_t byte = 0;
    const std::string_view digits = text.substr(at + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || byte == 0) {
      return fail(ErrorKind::malformed, "the path has a % without two hexadecimal digits");
    }
    decoded.push_back(static_cast<char>(byte));
    at += 2;
  }
  return decoded;
}

}  // namespace sotto::serve
