// Random schemas, and whether a value is what a schema asks for: written without regard to grammars.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <random>
#include <regex>
#include <string>
#include <string_view>

#include "text/utf8.h"

namespace sotto::text {

class SchemaValidator {
 public:
  explicit SchemaValidator(const boost::json::value& document) : document_(document) {}

  bool accepts(const boost::json::value& schema, const boost::json::value& value) const {
    if (schema.is_bool()) return schema.get_bool();
    const boost::json::object& s = schema.get_object();
    if (const auto* reference = s.if_contains("$ref")) {
      const std::string pointer(std::string_view(reference->get_string()).substr(1));
      if (!accepts(document_.at_pointer(pointer), value)) return false;
    }
    if (const auto* any = s.if_contains("anyOf")) {
      const auto& ways = any->get_array();
      if (std::none_of(ways.begin(), ways.end(),
                       [&](const auto& way) { return accepts(way, value); })) {
        return false;
      }
    }
    if (const auto* all = s.if_contains("allOf")) {
      for (const auto& one : all->get_array()) {
        if (!accepts(one, value)) return false;
      }
    }
    if (const auto* values = s.if_contains("enum")) {
      const auto& array = values->get_array();
      if (std::find(array.begin(), array.end(), value) == array.end()) return false;
    }
    if (const auto* constant = s.if_contains("const"); constant && *constant != value) return false;
    if (const auto* type = s.if_contains("type"); type && !has_type(*type, value)) return false;
    return accepts_number(s, value) && accepts_string(s, value) && accepts_array(s, value) &&
           accepts_object(s, value);
  }

 private:
  static bool is(std::string_view type, const boost::json::value& value) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.is_bool();
    if (type == "string") return value.is_string();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (!value.is_number()) return false;
    const double number = value.to_number<double>();
    return type == "number" || std::floor(number) == number;
  }
  static bool has_type(const boost::json::value& type, const boost::json::value& value) {
    if (type.is_string()) return is(type.get_string(), value);
    const auto& types = type.get_array();
    return std::any_of(types.begin(), types.end(),
                       [&](const auto& one) { return is(one.get_string(), value); });
  }
  static double number_of(const boost::json::object& s, const char* keyword, double otherwise) {
    const auto* value = s.if_contains(keyword);
    return value == nullptr ? otherwise : value->to_number<double>();
  }

  static bool accepts_number(const boost::json::object& s, const boost::json::value& value) {
    if (!value.is_number()) return true;
    const double x = value.to_number<double>();
    if (x < number_of(s, "minimum", -INFINITY) || x > number_of(s, "maximum", INFINITY))
      return false;
    if (x <= number_of(s, "exclusiveMinimum", -INFINITY)) return false;
    if (x >= number_of(s, "exclusiveMaximum", INFINITY)) return false;
    const double divisor = number_of(s, "multipleOf", 0);
    if (divisor == 0) return true;
    const double quotient = x / divisor;
    return std::abs(quotient - std::round(quotient)) < 1e-6;
  }

  static bool accepts_string(const boost::json::object& s, const boost::json::value& value) {
    if (!value.is_string()) return true;
    const std::string text(value.get_string());
    double length = 0;
    for (size_t at = 0; at < text.size(); ++length) at += next_utf8(text.substr(at)).bytes;
    if (length < number_of(s, "minLength", 0) || length > number_of(s, "maxLength", INFINITY)) {
      return false;
    }
    const auto* pattern = s.if_contains("pattern");
    if (pattern == nullptr) return true;
    return std::regex_search(text, std::regex(std::string(pattern->get_string())));
  }

  bool accepts_array(const boost::json::object& s, const boost::json::value& value) const {
    if (!value.is_array()) return true;
    const auto& items = value.get_array();
    const auto size = static_cast<double>(items.size());
    if (size < number_of(s, "minItems", 0) || size > number_of(s, "maxItems", INFINITY))
      return false;
    size_t described = 0;
    if (const auto* prefix = s.if_contains("prefixItems")) {
      for (; described < std::min(prefix->get_array().size(), items.size()); ++described) {
        if (!accepts(prefix->get_array()[described], items[described])) return false;
      }
    }
    const auto* rest = s.if_contains("items");
    for (size_t i = described; rest != nullptr && i < items.size(); ++i) {
      if (!accepts(*rest, items[i])) return false;
    }
    return true;
  }

  bool accepts_object(const boost::json::object& s, const boost::json::value& value) const {
    if (!value.is_object()) return true;
    const auto& members = value.get_object();
    if (const auto* required = s.if_contains("required")) {
      for (const auto& name : required->get_array()) {
        if (!members.contains(name.get_string())) return false;
      }
    }
    const auto* properties = s.if_contains("properties");
    const auto* more = s.if_contains("additionalProperties");
    for (const auto& [name, member] : members) {
      const auto* property =
          properties == nullptr ? nullptr : properties->get_object().if_contains(name);
      if (property == nullptr) property = more;
      if (property != nullptr && !accepts(*property, member)) return false;
    }
    return true;
  }

  const boost::json::value& document_;
};

inline bool validates(const boost::json::value& schema, const boost::json::value& value) {
  return SchemaValidator(schema).accepts(schema, value);
}

class RandomSchema {
 public:
  explicit RandomSchema(std::mt19937_64& random) : random_(random) {}

  boost::json::value make(int depth) {
    boost::json::object s;
    if (below(4) == 0) s["description"] = "some \"words\"";
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        make_string(s);
        break;
      case 1:
        make_integer(s);
        break;
      case 2:
        make_number(s);
        break;
      case 3:
        s["enum"] = boost::json::array{"a\"b", 12, nullptr, -1.25,
                                       boost::json::object{{"k", boost::json::array{1}}}};
        break;
      case 4:
        s["type"] = boost::json::array{"boolean", "null", "integer"};
        break;
      case 5:
        s["const"] = "é\\n";
        break;
      case 6:
        make_array(s, depth);
        break;
      case 7: {
        boost::json::array ways;
        for (uint64_t i = 0; i < 1 + below(3); ++i) ways.push_back(make(depth - 1));
        s["anyOf"] = std::move(ways);
        break;
      }
      default:
        make_object(s, depth);
    }
    return s;
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  void make_string(boost::json::object& s) {
    s["type"] = "string";
    if (below(2) == 0) {
      s["minLength"] = below(4);
      s["maxLength"] = 4 + below(40);
    } else if (below(2) == 0) {
      const char* patterns[] = {"^[a-z]{2,5}$", "^\\d+-(x|yz)?$", "ab+", "^([A-F0-9]{2}:){2}$",
                                "^[^a-y]*$"};
      s["pattern"] = patterns[below(5)];
    }
  }

  void make_integer(boost::json::object& s) {
    s["type"] = "integer";
    const auto low = static_cast<int64_t>(below(3000)) - 1500;
    if (below(2) == 0) s[below(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
    if (below(2) == 0) s["maximum"] = low + 2 + static_cast<int64_t>(below(2000));
    if (s.size() == 1 && below(2) == 0) s["multipleOf"] = 1 + below(12);
  }

  void make_number(boost::json::object& s) {
    s["type"] = "number";
    const double low = static_cast<double>(static_cast<int64_t>(below(4000)) - 2000) / 64;
    if (below(2) == 0) s[below(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
    if (below(2) == 0) {
      s[below(2) == 0 ? "maximum" : "exclusiveMaximum"] =
          low + static_cast<double>(1 + below(500)) / 32;
    }
  }

  void make_array(boost::json::object& s, int depth) {
    s["type"] = "array";
    s["items"] = make(depth - 1);
    s["minItems"] = below(3);
    s["maxItems"] = 3 + below(3);
    if (below(3) == 0) s["prefixItems"] = boost::json::array{make(0), true};
  }

  void make_object(boost::json::object& s, int depth) {
    s["type"] = "object";
    boost::json::object properties;
    boost::json::array required;
    for (uint64_t i = 0; i < below(6); ++i) {
      const std::string name(1 + below(3), static_cast<char>('a' + below(4)));
      if (properties.contains(name)) continue;
      properties[name] = make(depth - 1);
      if (below(2) == 0) required.push_back(boost::json::value(name));
    }
    s["properties"] = std::move(properties);
    s["required"] = std::move(required);
    if (below(3) == 0) {
      s["additionalProperties"] = make(0);
    } else {
      s["additionalProperties"] = false;
    }
  }

  std::mt19937_64& random_;
};

}  // namespace sotto::text
