// Any bytes as requests: never a crash, and the same outcome however they are cut.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "base/check.h"
#include "serve/http_reader.h"

namespace {

using sotto::serve::HttpLimits;
using sotto::serve::HttpReader;

// The request as one text, or the status of the refusal, or "" when more is wanted.
std::string outcome(const std::string& bytes, size_t piece) {
  HttpLimits limits;
  limits.header_bytes_max = 512;
  limits.body_bytes_max = 512;
  HttpReader reader(limits);
  std::string held;
  for (size_t at = 0; at < bytes.size() && !reader.done(); at += piece) {
    held += bytes.substr(at, piece);
    const auto taken = reader.put(held);
    if (!taken) return std::to_string(taken.error().status);
    CHECK(*taken <= held.size());
    held.erase(0, *taken);
  }
  if (!reader.done()) return "";
  if (reader.is_http2()) return "HTTP/2";
  const auto request = reader.take();
  std::string text = request.method + " " + request.path + "?" + request.query + "\n";
  for (const auto& [name, value] : request.fields) text += name + ":" + value + "\n";
  return text + std::string(request.body_text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = outcome(bytes, size == 0 ? 1 : size);
  const std::string single = outcome(bytes, 1);
  CHECK(whole == single);
  return 0;
}
