// The JSON of a request's body, in memory that is wiped when it goes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/memory_resource.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string_view>

#include "api/error.h"

namespace sotto::api {

// An object; `invalid_json` for anything else and for nesting beyond 64. Of a key that stands twice the
// last counts.
class Body {
 public:
  static ApiResult<Body> parse(std::string_view text);
  const boost::json::object& object() const { return value_->get_object(); }

 private:
  class Wiping;
  Body() = default;
  std::shared_ptr<Wiping> memory_;  // first: outlives the value
  std::shared_ptr<boost::json::value> value_;
};

}  // namespace sotto::api
