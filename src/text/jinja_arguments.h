// Arguments of a call, and their binding to the parameters of a built-in function.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace sotto::text::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keyword;
};

// One value per parameter, in their order; those not given are absent.
class Bound {
 public:
  Bound(std::string_view function, std::vector<std::optional<Value>> values)
      : function_(function), values_(std::move(values)) {}

  // Null when not given.
  const Value* get(size_t index) const { return values_[index] ? &*values_[index] : nullptr; }
  bool flag(size_t index, bool fallback = false) const {
    return get(index) ? truthy(*get(index)) : fallback;
  }
  // Null when not given or none; an error when it is not text.
  Result<const Text*> optional_text(size_t index) const;
  Result<const Text*> text(size_t index) const;
  Result<int64_t> integer(size_t index, int64_t fallback) const;

 private:
  std::string_view function_;
  std::vector<std::optional<Value>> values_;
};

// An error names the function and, of what was passed wrongly, only names the template spelled.
Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> parameters, size_t required = 0);

}  // namespace sotto::text::jinja
