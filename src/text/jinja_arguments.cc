// Binding positional and keyword arguments to parameters.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_arguments.h"

#include <algorithm>

namespace sotto::text::jinja {

Result<const Text*> Bound::optional_text(size_t index) const {
  const Value* value = get(index);
  if (!value || is_none(*value)) return nullptr;
  return text(index);
}

Result<const Text*> Bound::text(size_t index) const {
  const Value* value = get(index);
  const Text* text = value ? as_text(*value) : nullptr;
  if (!text) {
    return fail(ErrorKind::malformed, "{}(): argument {} must be str, not {}", function_, index + 1,
                value ? type_name(*value) : "missing");
  }
  return text;
}

Result<int64_t> Bound::integer(size_t index, int64_t fallback) const {
  const Value* value = get(index);
  if (!value) return fallback;
  const auto integer = as_integer(*value);
  if (!integer) {
    return fail(ErrorKind::malformed, "{}(): argument {} must be int, not {}", function_, index + 1,
                type_name(*value));
  }
  return *integer;
}

Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> parameters, size_t required) {
  if (arguments.positional.size() > parameters.size()) {
    return fail(ErrorKind::malformed, "{}() takes at most {} arguments, {} given", function,
                parameters.size(), arguments.positional.size());
  }
  std::vector<std::optional<Value>> values(parameters.size());
  std::copy(arguments.positional.begin(), arguments.positional.end(), values.begin());
  for (const auto& [name, value] : arguments.keyword) {
    const auto* found = std::find(parameters.begin(), parameters.end(), name);
    const auto index = static_cast<size_t>(found - parameters.begin());
    if (found == parameters.end() || values[index]) {
      return fail(ErrorKind::malformed, "{}(): unexpected or repeated keyword argument", function);
    }
    values[index] = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!values[i]) {
      return fail(ErrorKind::malformed, "{}(): argument '{}' is missing", function,
                  *(parameters.begin() + i));
    }
  }
  return Bound(function, std::move(values));
}

}  // namespace sotto::text::jinja
