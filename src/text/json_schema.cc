// Reading a schema, keyword by keyword: each is kept, known to say nothing of values, or refused.
// SPDX-License-Identifier: Apache-2.0
#include "text/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "text/json_formats.h"
#include "text/json_numbers.h"
#include "text/json_pattern.h"

namespace sotto::text {

namespace json = boost::json;

namespace {

constexpr uint32_t kCountMax = 1 << 16;  // of characters or items
constexpr uint32_t kDivisorMax = 1000;
constexpr size_t kReferencesMax = 1000;
constexpr size_t kDepthMax = 200;  // of schemas in each other, by reference too
constexpr size_t kNameMax = 100;   // bytes of a name that others must not be

constexpr std::string_view kAnnotations[] = {"title",    "description", "default", "examples",
                                             "$comment", "$schema",     "$id",     "deprecated",
                                             "readOnly", "writeOnly",   "$defs",   "definitions"};
constexpr std::string_view kTypes[] = {"object",  "array",   "string", "number",
                                       "integer", "boolean", "null"};

// Keywords that say nothing where the value is of another type.
constexpr std::pair<std::string_view, std::string_view> kKeywordTypes[] = {
    {"properties", "object"},
    {"required", "object"},
    {"additionalProperties", "object"},
    {"items", "array"},
    {"prefixItems", "array"},
    {"minItems", "array"},
    {"maxItems", "array"},
    {"uniqueItems", "array"},
    {"minLength", "string"},
    {"maxLength", "string"},
    {"pattern", "string"},
    {"format", "string"},
    {"minimum", "number"},
    {"maximum", "number"},
    {"exclusiveMinimum", "number"},
    {"exclusiveMaximum", "number"},
    {"multipleOf", "number"},
};

bool is_annotation(std::string_view keyword) {
  return std::ranges::find(kAnnotations, keyword) != std::end(kAnnotations);
}

std::string escape_pointer(std::string_view part) {
  std::string out;
  for (const char c : part) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

bool is_of_type(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (!value.is_double()) return value.is_number();
  return std::floor(value.get_double()) == value.get_double();
}

}  // namespace

class SchemaReader {
 public:
  SchemaReader(JsonGrammar& grammar, const json::value& document)
      : grammar_(grammar), document_(document) {}

  Result<Expression> read(const json::value& schema, const std::string& at) {
    if (depth_ >= kDepthMax) return not_kept(at, "a schema that is nested more deeply");
    ++depth_;
    Result<Expression> made = read_schema(schema, at);
    --depth_;
    return made;
  }

 private:
  Result<Expression> read_schema(const json::value& schema, const std::string& at) {
    if (schema.is_bool() && schema.get_bool()) return grammar_.any_value();
    if (!schema.is_object()) return wrong(at, "a schema is an object, or true");
    const json::object& object = schema.get_object();
    if (object.contains("$ref")) return read_reference(object, at);
    for (const char* keyword : {"anyOf", "allOf"}) {
      if (object.contains(keyword)) return read_alternatives(object, keyword, at);
    }
    if (object.contains("enum") || object.contains("const")) return read_values(object, at);
    std::vector<std::string> types = TRY(read_types(object, at));
    TRY(check_keywords(object, at));
    if (types.empty()) return grammar_.any_value();
    std::vector<Expression> ways;
    for (const std::string& type : types) ways.push_back(TRY(read_type(object, type, at)));
    return choice(std::move(ways));
  }

  static std::unexpected<Error> wrong(const std::string& at, std::string_view what) {
    return fail(ErrorKind::malformed, "schema #{}: {}", at, what);
  }
  static std::unexpected<Error> not_kept(const std::string& at, std::string_view what) {
    return fail(ErrorKind::unsupported, "schema #{}: {} is not supported", at, what);
  }

  // Nothing but annotations beside these.
  static Result<void> only(const json::object& schema,
                           std::initializer_list<std::string_view> keywords,
                           const std::string& at) {
    for (const auto& [key, value] : schema) {
      const std::string_view keyword = key;
      if (is_annotation(keyword) || std::ranges::find(keywords, keyword) != keywords.end())
        continue;
      return not_kept(at, fmt::format("'{}' beside '{}'", keyword, *keywords.begin()));
    }
    return {};
  }

  Result<Expression> read_reference(const json::object& schema, const std::string& at) {
    TRY(only(schema, {"$ref"}, at));
    const json::value& value = schema.at("$ref");
    if (!value.is_string()) return wrong(at + "/$ref", "it is not a string");
    const std::string_view reference = value.get_string();
    if (!reference.starts_with('#')) return not_kept(at + "/$ref", "a reference elsewhere");
    const std::string pointer(reference.substr(1));
    const auto known = references_.find(pointer);
    if (known != references_.end()) return known->second;
    boost::system::error_code error;
    const json::value* target = document_.find_pointer(pointer, error);
    if (target == nullptr || error) return wrong(at + "/$ref", "it leads nowhere");
    if (references_.size() >= kReferencesMax) return not_kept(at, "a reference more");
    // Known before it is read, since it may refer to itself.
    const Expression made = grammar_.add_rule(literal(""));
    references_[pointer] = made;
    Expression body = TRY(read(*target, pointer));
    grammar_.rules_[made.rule] = std::move(body);
    return made;
  }

  Result<Expression> read_alternatives(const json::object& schema, const char* keyword,
                                       const std::string& at) {
    TRY(only(schema, {keyword}, at));
    const std::string here = at + "/" + keyword;
    const json::array* array = schema.at(keyword).if_array();
    if (array == nullptr || array->empty()) return wrong(here, "it is not an array of schemas");
    if (keyword == std::string_view("allOf") && array->size() > 1) {
      return not_kept(here, "more than one schema at a time");
    }
    std::vector<Expression> ways;
    for (size_t i = 0; i < array->size(); ++i) {
      ways.push_back(TRY(read((*array)[i], fmt::format("{}/{}", here, i))));
    }
    return choice(std::move(ways));
  }

  Result<Expression> read_values(const json::object& schema, const std::string& at) {
    TRY(only(schema, {schema.contains("enum") ? "enum" : "const", "type"}, at));
    const std::vector<std::string> types = TRY(read_types(schema, at));
    json::array values;
    if (const json::value* constant = schema.if_contains("const")) {
      values.push_back(*constant);
    } else if (const json::array* array = schema.at("enum").if_array()) {
      values = *array;
    }
    std::vector<Expression> ways;
    for (const json::value& value : values) {
      const bool fits = types.empty() || std::ranges::any_of(types, [&](const std::string& type) {
                          return is_of_type(value, type);
                        });
      if (fits) ways.push_back(literal(compact_json(value)));
    }
    if (ways.empty()) return wrong(at, "none of its values is possible");
    return choice(std::move(ways));
  }

  // Empty where the schema leaves the type open.
  static Result<std::vector<std::string>> read_types(const json::object& schema,
                                                     const std::string& at) {
    std::vector<std::string> types;
    const json::value* type = schema.if_contains("type");
    const auto add = [&](const json::value& one) -> Result<void> {
      if (!one.is_string() ||
          std::ranges::find(kTypes, std::string_view(one.get_string())) == std::end(kTypes)) {
        return wrong(at + "/type", "this is no type");
      }
      types.emplace_back(one.get_string());
      return {};
    };
    if (type != nullptr && type->is_array()) {
      if (type->get_array().empty()) return wrong(at + "/type", "there is no type in it");
      for (const json::value& one : type->get_array()) TRY(add(one));
    } else if (type != nullptr) {
      TRY(add(*type));
    } else {
      // Keywords of one type tell what is meant.
      for (const auto& [keyword, of_type] : kKeywordTypes) {
        const bool has = schema.contains(keyword);
        if (has && std::ranges::find(types, of_type) == types.end()) types.emplace_back(of_type);
      }
    }
    return types;
  }

  // Keywords of other types than the value's say nothing, as JSON Schema has it.
  static Result<void> check_keywords(const json::object& schema, const std::string& at) {
    for (const auto& [key, value] : schema) {
      const std::string_view keyword = key;
      if (keyword == "type" || is_annotation(keyword)) continue;
      const auto known = std::ranges::find_if(
          kKeywordTypes, [&](const auto& entry) { return entry.first == keyword; });
      if (known == std::end(kKeywordTypes)) {
        return not_kept(at, fmt::format("'{}'", keyword.substr(0, 64)));
      }
    }
    return {};
  }

  Result<Expression> read_type(const json::object& schema, const std::string& type,
                               const std::string& at) {
    if (type == "null") return literal("null");
    if (type == "boolean") return choice({literal("true"), literal("false")});
    if (type == "string") return read_string(schema, at);
    if (type == "array") return read_array(schema, at);
    if (type == "object") return read_object(schema, at);
    return read_number(schema, type == "integer", at);
  }

  static Result<std::optional<uint32_t>> read_count(const json::object& schema,
                                                    std::string_view keyword,
                                                    const std::string& at) {
    const json::value* value = schema.if_contains(keyword);
    if (value == nullptr) return std::nullopt;
    const double count = value->is_number() ? value->to_number<double>() : -1;
    if (count < 0 || std::floor(count) != count) {
      return wrong(fmt::format("{}/{}", at, keyword), "it is not a count");
    }
    if (count > kCountMax) {
      return not_kept(fmt::format("{}/{}", at, keyword),
                      fmt::format("a count of more than {}", kCountMax));
    }
    return static_cast<uint32_t>(count);
  }

  Result<Expression> read_string(const json::object& schema, const std::string& at) {
    const auto least = TRY(read_count(schema, "minLength", at));
    const auto most = TRY(read_count(schema, "maxLength", at));
    const json::value* pattern = schema.if_contains("pattern");
    const json::value* format = schema.if_contains("format");
    const int ways = (least || most ? 1 : 0) + (pattern != nullptr) + (format != nullptr);
    if (ways == 0) return grammar_.string_;
    if (ways > 1) return not_kept(at, "more than one of length, pattern and format");
    std::optional<std::string_view> regex;
    if (pattern != nullptr && pattern->is_string()) regex = pattern->get_string();
    if (format != nullptr && format->is_string()) {
      regex = pattern_of_format(format->get_string());
      if (!regex) return not_kept(at + "/format", "this format");
    }
    if ((pattern != nullptr || format != nullptr) && !regex) return wrong(at, "it is not a string");
    if (least.value_or(0) > most.value_or(kUnbounded)) return wrong(at, "no length is possible");
    Expression inside = json_text(least.value_or(0), most.value_or(kUnbounded));
    if (regex) {
      Result<Expression> read = json_pattern(*regex);
      if (!read) return within(fmt::format("schema #{}", at), std::move(read).error());
      inside = std::move(*read);
    }
    return grammar_.add_rule(sequence({literal("\""), std::move(inside), literal("\"")}));
  }

  static Result<std::optional<double>> read_bound(const json::object& schema,
                                                  std::string_view keyword, const std::string& at) {
    const json::value* value = schema.if_contains(keyword);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) return wrong(fmt::format("{}/{}", at, keyword), "it is not a number");
    return value->to_number<double>();
  }

  Result<Expression> read_number(const json::object& schema, bool integer, const std::string& at) {
    NumberBounds bounds;
    bounds.least = TRY(read_bound(schema, "minimum", at));
    bounds.most = TRY(read_bound(schema, "maximum", at));
    const auto above = TRY(read_bound(schema, "exclusiveMinimum", at));
    const auto below = TRY(read_bound(schema, "exclusiveMaximum", at));
    if (above && above >= bounds.least.value_or(*above)) {
      bounds.least = above;
      bounds.least_open = true;
    }
    if (below && below <= bounds.most.value_or(*below)) {
      bounds.most = below;
      bounds.most_open = true;
    }
    const auto divisor = TRY(read_bound(schema, "multipleOf", at));
    if (divisor) return read_multiple(*divisor, integer, bounds.any(), at + "/multipleOf");
    if (!bounds.any() && !integer) return grammar_.number_;
    Result<Expression> made = integer ? integers(bounds) : numbers(bounds);
    if (!made) return within(fmt::format("schema #{}", at), std::move(made).error());
    return grammar_.add_rule(std::move(*made));
  }

  Result<Expression> read_multiple(double divisor, bool integer, bool bounded,
                                   const std::string& at) {
    if (!(divisor > 0)) return wrong(at, "it is not above zero");
    if (bounded) return not_kept(at, "a divisor together with bounds");
    if (std::floor(divisor) == divisor && divisor <= kDivisorMax) {
      return multiples_of(static_cast<uint32_t>(divisor), grammar_.rules_);
    }
    if (integer) return not_kept(at, fmt::format("a divisor that is none of 1 to {}", kDivisorMax));
    for (uint32_t digits = 1; digits <= 6; ++digits) {
      // As a schema has it: 0.01 is the double that "0.01" reads as.
      if (divisor == std::stod(fmt::format("1e-{}", digits))) return numbers_with_digits(digits);
    }
    return not_kept(at, "this divisor");
  }

  Result<Expression> read_array(const json::object& schema, const std::string& at) {
    const uint32_t least = TRY(read_count(schema, "minItems", at)).value_or(0);
    const uint32_t most = TRY(read_count(schema, "maxItems", at)).value_or(kUnbounded);
    if (least > most) return wrong(at, "no number of items is possible");
    const json::value* unique = schema.if_contains("uniqueItems");
    if (unique != nullptr && !(unique->is_bool() && !unique->get_bool())) {
      return not_kept(at, "'uniqueItems'");
    }
    std::vector<Expression> first;
    if (const json::value* prefix = schema.if_contains("prefixItems")) {
      if (!prefix->is_array()) return wrong(at + "/prefixItems", "it is not an array of schemas");
      for (size_t i = 0; i < prefix->get_array().size(); ++i) {
        first.push_back(TRY(read(prefix->get_array()[i], fmt::format("{}/prefixItems/{}", at, i))));
      }
    }
    const auto count = static_cast<uint32_t>(first.size());
    if (most < count) first.resize(most);
    const json::value* items = schema.if_contains("items");
    const bool closed = items != nullptr && items->is_bool() && !items->get_bool();
    const uint32_t rest_least = least > count ? least - count : 0;
    uint32_t rest_most = most == kUnbounded ? kUnbounded : most - std::min(most, count);
    if (closed && rest_least > 0) return wrong(at, "no number of items is possible");
    // Behind those that are described there need not be others.
    if (closed || (items == nullptr && count > 0)) rest_most = rest_least;
    std::vector<Expression> parts;
    for (size_t i = 0; i < first.size(); ++i) {
      if (i > 0) parts.push_back(grammar_.comma());
      parts.push_back(std::move(first[i]));
    }
    if (rest_most > 0) {
      Expression item = items == nullptr ? grammar_.any_value() : TRY(read(*items, at + "/items"));
      item = grammar_.add_rule(std::move(item));
      parts.push_back(rest_of(item, !parts.empty(), rest_least, rest_most));
    }
    return grammar_.add_rule(grammar_.list('[', sequence(std::move(parts)), ']'));
  }

  Expression rest_of(const Expression& item, bool follows, uint32_t least, uint32_t most) const {
    Expression next = sequence({grammar_.comma(), item});
    if (follows) return repeat(std::move(next), least, most);
    Expression all = sequence({item, repeat(std::move(next), least == 0 ? 0 : least - 1,
                                            most == kUnbounded ? kUnbounded : most - 1)});
    return least == 0 ? optional(std::move(all)) : std::move(all);
  }

  // A member's value, and whether it may be left out.
  struct Member {
    Expression expression;
    bool required;
  };

  Result<Expression> read_object(const json::object& schema, const std::string& at) {
    const json::value* properties = schema.if_contains("properties");
    if (properties != nullptr && !properties->is_object()) {
      return wrong(at + "/properties", "it is not an object");
    }
    std::set<std::string, std::less<>> required = TRY(read_required(schema, at));
    std::vector<Member> members;
    std::set<std::string, std::less<>> names;
    if (properties != nullptr) {
      for (const auto& [key, value] : properties->get_object()) {
        const std::string path = fmt::format("{}/properties/{}", at, escape_pointer(key));
        members.push_back({member(key, TRY(read(value, path))), required.erase(key) > 0});
        names.emplace(key);
      }
    }
    const json::value* more = schema.if_contains("additionalProperties");
    const bool described = properties != nullptr || !required.empty();
    const bool open = more == nullptr ? !described : !(more->is_bool() && !more->get_bool());
    const bool needs_any = !required.empty() && (more == nullptr || open);
    if (!required.empty() && !needs_any) return wrong(at + "/required", "a property is impossible");
    Expression value = grammar_.any_value();
    if (more != nullptr && open) value = TRY(read(*more, at + "/additionalProperties"));
    // Those that are required and not described.
    for (const std::string& name : required) {
      members.push_back({member(name, value), true});
      names.insert(name);
    }
    if (!described && more == nullptr) return grammar_.any_object();
    std::optional<Expression> others;
    const bool too_long =
        std::ranges::any_of(names, [](const std::string& name) { return name.size() > kNameMax; });
    if (open && more != nullptr && too_long) {
      return not_kept(at, "'additionalProperties' beside a name this long");
    }
    if (open && more != nullptr) others = other_member(names, std::move(value));
    return grammar_.add_rule(grammar_.list('{', join(members, others), '}'));
  }

  static Result<std::set<std::string, std::less<>>> read_required(const json::object& schema,
                                                                  const std::string& at) {
    std::set<std::string, std::less<>> names;
    const json::value* required = schema.if_contains("required");
    if (required == nullptr) return names;
    if (!required->is_array()) return wrong(at + "/required", "it is not an array of names");
    for (const json::value& name : required->get_array()) {
      if (!name.is_string()) return wrong(at + "/required", "it is not an array of names");
      names.emplace(name.get_string());
    }
    return names;
  }

  Expression member(std::string_view name, Expression value) const {
    return sequence(
        {literal(json::serialize(json::string(name)) + ":"), grammar_.space(), std::move(value)});
  }

  // One whose name is none of those that are described.
  Expression other_member(const std::set<std::string, std::less<>>& names, Expression value) const {
    std::vector<std::string_view> all(names.begin(), names.end());
    return sequence(
        {literal("\""), name_but(all, 0), literal("\":"), grammar_.space(), std::move(value)});
  }

  // Names without escapes, so that each is spelled in one way only. All of `names` are alike up to `at`.
  static Expression name_but(const std::vector<std::string_view>& names, size_t at) {
    std::map<char, std::vector<std::string_view>> by_byte;
    bool ends = false;
    for (const std::string_view name : names) {
      if (name.size() == at) {
        ends = true;
      } else {
        by_byte[name[at]].push_back(name);
      }
    }
    std::vector<CharacterRange> others = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};
    const Expression plain = all_characters_but(others);
    std::vector<Expression> ways;
    if (!ends) ways.push_back(literal(""));
    for (const auto& [byte, rest] : by_byte) {
      const auto unsigned_byte = static_cast<uint8_t>(byte);
      if (unsigned_byte >= 0x80) {
        // A name that is not ASCII: none that goes on with a character that is not.
        others.emplace_back(0x80, 0x10ffff);
        continue;
      }
      others.emplace_back(unsigned_byte, unsigned_byte);
      if (byte == '"' || byte == '\\' || unsigned_byte < 0x20) continue;
      ways.push_back(sequence({literal(std::string(1, byte)), name_but(rest, at + 1)}));
    }
    ways.push_back(sequence({all_characters_but(others), repeat(plain, 0, kUnbounded)}));
    return choice(std::move(ways));
  }

  // Members in their order with commas between those that are there. What follows a member depends on
  // whether one came before it, so each optional one makes two rules.
  Expression join(const std::vector<Member>& members, const std::optional<Expression>& others) {
    Expression after = literal("");   // what can follow once there was a member
    Expression before = literal("");  // and while there was none
    if (others) {
      after = repeat(sequence({grammar_.comma(), *others}), 0, kUnbounded);
      before = optional(sequence({*others, after}));
    }
    for (size_t i = members.size(); i-- > 0;) {
      const Member& one = members[i];
      Expression with = sequence({one.expression, after});
      Expression next = sequence({grammar_.comma(), with});
      if (one.required) {
        before = std::move(with);
        after = std::move(next);
      } else {
        before = choice({std::move(with), std::move(before)});
        after = choice({std::move(next), std::move(after)});
      }
      // As rules, so that what follows is not written out once for each way to get there.
      before = grammar_.add_rule(std::move(before));
      after = grammar_.add_rule(std::move(after));
    }
    return before;
  }

  JsonGrammar& grammar_;
  const json::value& document_;
  std::map<std::string, Expression> references_;
  size_t depth_ = 0;
};

Result<Expression> JsonGrammar::add_schema(const json::value& schema) {
  SchemaReader reader(*this, schema);
  return reader.read(schema, "");
}

}  // namespace sotto::text
