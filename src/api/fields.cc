// Typed fields with names in every error.
// SPDX-License-Identifier: Apache-2.0
#include "api/fields.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace sotto::api {

namespace json = boost::json;

std::string Fields::name_of(std::string_view field) const {
  return path_.empty() ? std::string(field) : fmt::format("{}.{}", path_, field);
}

const json::value* Fields::take(std::string_view field) {
  taken_.push_back(field);
  const json::value* value = object_.if_contains(field);
  return value == nullptr || value->is_null() ? nullptr : value;
}

ApiResult<std::optional<bool>> Fields::boolean(std::string_view field) {
  const json::value* value = take(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) return invalid(name_of(field), "{} is not true or false", name_of(field));
  return value->get_bool();
}

ApiResult<std::optional<int64_t>> Fields::integer(std::string_view field, int64_t least,
                                                  int64_t most) {
  const json::value* value = take(field);
  if (value == nullptr) return std::nullopt;
  const std::string name = name_of(field);
  std::optional<int64_t> number;
  if (value->is_int64()) number = value->get_int64();
  if (value->is_double() && std::trunc(value->get_double()) == value->get_double() &&
      std::fabs(value->get_double()) < 9e15) {
    number = static_cast<int64_t>(value->get_double());
  }
  if (!number) return invalid(name, "{} is not a whole number", name);
  if (*number < least || *number > most) {
    return invalid(name, "{} is {}; it can be {} to {}", name, *number, least, most);
  }
  return number;
}

ApiResult<std::optional<double>> Fields::number(std::string_view field, double least, double most) {
  const json::value* value = take(field);
  if (value == nullptr) return std::nullopt;
  const std::string name = name_of(field);
  if (!value->is_number()) return invalid(name, "{} is not a number", name);
  const double number = value->to_number<double>();
  if (!(number >= least && number <= most)) {
    return invalid(name, "{} is {}; it can be {} to {}", name, number, least, most);
  }
  return number;
}

ApiResult<std::optional<std::string>> Fields::string(std::string_view field, size_t bytes_max) {
  const json::value* value = take(field);
  if (value == nullptr) return std::nullopt;
  const std::string name = name_of(field);
  if (!value->is_string()) return invalid(name, "{} is not a string", name);
  if (value->get_string().size() > bytes_max) {
    return invalid(name, "{} has {} bytes; it can have {}", name, value->get_string().size(),
                   bytes_max);
  }
  return std::string(value->get_string());
}

ApiResult<std::optional<std::string>> Fields::word(std::string_view field,
                                                   std::initializer_list<std::string_view> words) {
  std::optional<std::string> text = TRY(string(field, 64));
  if (!text || std::find(words.begin(), words.end(), *text) != words.end()) return text;
  const std::string name = name_of(field);
  return invalid(name, "{} is not one of: {}", name, fmt::join(words, ", "));
}

ApiResult<const json::array*> Fields::array(std::string_view field, size_t count_max) {
  const json::value* value = take(field);
  if (value == nullptr) return nullptr;
  const std::string name = name_of(field);
  if (!value->is_array()) return invalid(name, "{} is not an array", name);
  if (value->get_array().size() > count_max) {
    return invalid(name, "{} has {} items; it can have {}", name, value->get_array().size(),
                   count_max);
  }
  return &value->get_array();
}

ApiResult<const json::object*> Fields::object(std::string_view field) {
  const json::value* value = take(field);
  if (value == nullptr) return nullptr;
  const std::string name = name_of(field);
  if (!value->is_object()) return invalid(name, "{} is not an object", name);
  return &value->get_object();
}

void Fields::harmless(std::initializer_list<std::string_view> fields) {
  taken_.insert(taken_.end(), fields);
}

ApiResult<void> Fields::refuse(std::string_view field, std::string_view why) {
  if (take(field) == nullptr) return {};
  return unsupported(name_of(field), "{} is not supported: {}", name_of(field), why);
}

ApiResult<void> Fields::done() const {
  for (const auto& [key, value] : object_) {
    const std::string_view field(key.data(), key.size());
    if (std::find(taken_.begin(), taken_.end(), field) != taken_.end()) continue;
    // The name is the caller's own text: it is said only where it looks like a name.
    const bool plain = field.size() <= 64 && std::all_of(field.begin(), field.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                       });
    const std::string name = name_of(plain ? field : "?");
    return std::unexpected(
        ApiError{400, "unknown_parameter", name, fmt::format("there is no parameter {}", name)});
  }
  return {};
}

}  // namespace sotto::api
