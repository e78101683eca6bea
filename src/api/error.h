// What a caller of the API is told when a request cannot be honoured, in OpenAI's terms.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "base/result.h"

namespace sotto::api {

struct ApiError {
  uint32_t status = 400;
  std::string code;   // for programs: "unsupported_parameter"
  std::string param;  // the field, such as "messages[0].role"; empty for none
  std::string message;
  uint32_t retry_after = 0;  // seconds, with 429 and 503

  // {"error": {"message", "type", "param", "code"}}
  boost::json::object json() const;
};

template <class T>
using ApiResult = std::expected<T, ApiError>;

// Status 400: the field is there and its value is not what it can be.
template <class... Args>
std::unexpected<ApiError> invalid(std::string param, fmt::format_string<Args...> format,
                                  Args&&... args) {
  return std::unexpected(ApiError{400, "invalid_value", std::move(param),
                                  fmt::format(format, std::forward<Args>(args)...)});
}

// Status 400: OpenAI's API has this, and we do not.
template <class... Args>
std::unexpected<ApiError> unsupported(std::string param, fmt::format_string<Args...> format,
                                      Args&&... args) {
  return std::unexpected(ApiError{400, "unsupported_parameter", std::move(param),
                                  fmt::format(format, std::forward<Args>(args)...)});
}

// An error from below, which is the caller's where its kind says so. `param` names what it came from.
ApiError from_error(const Error& error, std::string param);

}  // namespace sotto::api
