// Parsing, with bounds.
// SPDX-License-Identifier: Apache-2.0
#include "api/body.h"

#include <boost/json/parser.hpp>
#include <new>

#include "base/memory.h"

namespace sotto::api {

namespace json = boost::json;

class Body::Wiping final : public json::memory_resource {
 protected:
  void* do_allocate(size_t bytes, size_t alignment) override {
    return ::operator new(bytes, std::align_val_t(alignment));
  }
  void do_deallocate(void* data, size_t bytes, size_t alignment) override {
    wipe(data, bytes);
    ::operator delete(data, std::align_val_t(alignment));
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

namespace {

constexpr size_t kDepthMax = 64;

ApiError bad_json(std::string message) {
  return {400, "invalid_json", "", std::move(message)};
}

}  // namespace

ApiResult<Body> Body::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  Body body;
  body.memory_ = std::make_shared<Wiping>();
  json::parser parser(json::storage_ptr(body.memory_.get()), options);
  boost::system::error_code error;
  parser.write(text.data(), text.size(), error);
  if (error) {
    return std::unexpected(
        bad_json(fmt::format("the body is not valid JSON: {}", error.message())));
  }
  body.value_ = std::make_shared<json::value>(parser.release());
  if (!body.value_->is_object()) return std::unexpected(bad_json("the body is not a JSON object"));
  return body;
}

}  // namespace sotto::api
