// Errors as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http_error.h"

#include <boost/beast/http/status.hpp>
#include <boost/json/serialize.hpp>

#include "api/error.h"

namespace sotto::serve {
namespace {

const char* code_of(uint32_t status) {
  switch (status) {
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 408:
      return "request_timeout";
    case 413:
      return "request_too_large";
    case 431:
      return "header_too_large";
    case 500:
      return "internal_error";
    case 503:
      return "unavailable";
    default:
      return "bad_request";
  }
}

}  // namespace

HttpAnswer error_answer(const HttpError& error) {
  const api::ApiError shaped{error.status, code_of(error.status), "", error.message};
  HttpAnswer answer;
  answer.status = error.status;
  answer.fields.emplace_back("content-type", "application/json");
  answer.body = boost::json::serialize(shaped.json());
  return answer;
}

std::string_view reason_phrase(uint32_t status) {
  const auto known = boost::beast::http::int_to_status(status);
  if (known == boost::beast::http::status::unknown) return {};
  const auto phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

}  // namespace sotto::serve
