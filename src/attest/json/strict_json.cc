// JSON with one reading only.
// SPDX-License-Identifier: Apache-2.0
#include "attest/json/strict_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <set>
#include <vector>

namespace sotto::attest {
namespace {

namespace json = boost::json;

// Takes note of names only; its refusal stops the parser.
struct NameChecker {
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  using Code = boost::system::error_code;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) {
    names.emplace_back();
    return true;
  }
  bool on_object_end(size_t, Code&) {
    names.pop_back();
    return true;
  }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(size_t, Code&) { return true; }
  bool on_key_part(json::string_view part, size_t, Code&) {
    name.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, size_t, Code& error) {
    name.append(part.data(), part.size());
    const bool is_new = names.back().insert(std::move(name)).second;
    name.clear();
    if (is_new) return true;
    error = json::error::exception;
    return false;
  }
  bool on_string_part(json::string_view, size_t, Code&) { return true; }
  bool on_string(json::string_view, size_t, Code&) { return true; }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(int64_t, json::string_view, Code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, Code&) { return true; }
  bool on_double(double, json::string_view, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }

  std::vector<std::set<std::string>> names;  // of the objects that are open
  std::string name;
};

std::unexpected<Error> missing(std::string_view where, std::string_view name,
                               std::string_view type) {
  return fail(ErrorKind::malformed, "{}: \"{}\" is missing or no {}", where, name, type);
}

}  // namespace

Result<json::value> parse_strict_json(std::string_view text, uint64_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(ErrorKind::malformed, "JSON of {} bytes, the limit is {}", text.size(), bytes_max);
  }
  json::parse_options options;
  options.max_depth = kStrictJsonDepthMax;
  json::basic_parser<NameChecker> checker(options);
  boost::system::error_code error;
  const size_t read = checker.write_some(false, text.data(), text.size(), error);
  if (error == json::error::exception) {
    return fail(ErrorKind::malformed, "a name stands twice in one object before offset {}", read);
  }
  if (error || read != text.size()) {
    return fail(ErrorKind::malformed, "no JSON at offset {}", read);
  }
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(ErrorKind::malformed, "no JSON: {}", error.message());
  return value;
}

Result<const json::value*> json_member(const json::object& object, std::string_view name,
                                       std::string_view where) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return missing(where, name, "value");
  return value;
}

Result<std::string_view> json_string(const json::object& object, std::string_view name,
                                     std::string_view where) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return missing(where, name, "string");
  const json::string& text = value->get_string();
  return std::string_view(text.data(), text.size());
}

Result<bool> json_bool(const json::object& object, std::string_view name, std::string_view where) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_bool()) return missing(where, name, "truth value");
  return value->get_bool();
}

Result<int64_t> json_integer(const json::object& object, std::string_view name,
                             std::string_view where) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_int64()) return missing(where, name, "whole number");
  return value->get_int64();
}

Result<const json::object*> json_object(const json::object& object, std::string_view name,
                                        std::string_view where) {
  const json::object* found = find_object(object, name);
  if (found == nullptr) return missing(where, name, "object");
  return found;
}

const json::object* find_object(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace sotto::attest
