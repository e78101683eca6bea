// JSON from outsiders that is signed or decides on trust: bounded, and with one reading only [RFC8259].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sotto::attest {

inline constexpr size_t kStrictJsonDepthMax = 32;

// `malformed` for what is not exactly one JSON text, has an object with the same name twice (two
// readers could choose differently), is nested too deep or longer than `bytes_max`.
Result<boost::json::value> parse_strict_json(std::string_view text, uint64_t bytes_max);

// Members, each `malformed` when it is missing or of another type; `where` names the object.
Result<const boost::json::value*> json_member(const boost::json::object& object,
                                              std::string_view name, std::string_view where);
Result<std::string_view> json_string(const boost::json::object& object, std::string_view name,
                                     std::string_view where);
Result<bool> json_bool(const boost::json::object& object, std::string_view name,
                       std::string_view where);
// A whole number; JSON's 1.0 and 1e0 are none.
Result<int64_t> json_integer(const boost::json::object& object, std::string_view name,
                             std::string_view where);
Result<const boost::json::object*> json_object(const boost::json::object& object,
                                               std::string_view name, std::string_view where);

// Nothing when the member is missing or of another type.
const boost::json::object* find_object(const boost::json::object& object, std::string_view name);

}  // namespace sotto::attest
