// Errors as OpenAI's clients expect them.
// SPDX-License-Identifier: Apache-2.0
#include "api/error.h"

namespace sotto::api {
namespace {

const char* type_of(uint32_t status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

}  // namespace

boost::json::object ApiError::json() const {
  boost::json::object inner;
  inner["message"] = message;
  inner["type"] = type_of(status);
  if (param.empty()) {
    inner["param"] = nullptr;
  } else {
    inner["param"] = param;
  }
  inner["code"] = code;
  boost::json::object outer;
  outer["error"] = std::move(inner);
  return outer;
}

ApiError from_error(const Error& error, std::string param) {
  switch (error.kind) {
    case ErrorKind::malformed:
    case ErrorKind::unsupported:
    case ErrorKind::denied:
      return {400, "invalid_value", std::move(param), error.message};
    case ErrorKind::exhausted:
      return {429, "queue_full", std::move(param), error.message};
    default:
      return {500, "internal_error", "", error.message};
  }
}

}  // namespace sotto::api
