// The rules that JSON itself has, and values in their shortest form.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "text/json_numbers.h"
#include "text/json_pattern.h"
#include "text/json_schema.h"

namespace sotto::text {

namespace json = boost::json;

JsonGrammar::JsonGrammar() {
  rules_.emplace_back();
  string_ = add_rule(sequence({literal("\""), json_text(0, kUnbounded), literal("\"")}));
  number_ = add_rule(numbers({}).value());
  const Expression scalar =
      add_rule(choice({string_, number_, literal("true"), literal("false"), literal("null")}));
  // What is inside comes first: the innermost holds no more than scalars.
  any_values_.push_back(scalar);
  for (uint32_t depth = 1; depth <= kJsonNestingMax; ++depth) {
    const Expression& inner = any_values_.back();
    Expression member = sequence({string_, literal(":"), space(), inner});
    Expression members =
        optional(sequence({member, repeat(sequence({comma(), member}), 0, kUnbounded)}));
    Expression items =
        optional(sequence({inner, repeat(sequence({comma(), inner}), 0, kUnbounded)}));
    any_objects_.push_back(add_rule(list('{', std::move(members), '}')));
    const Expression array = add_rule(list('[', std::move(items), ']'));
    any_values_.push_back(add_rule(choice({scalar, any_objects_.back(), array})));
  }
}

Expression JsonGrammar::add_rule(Expression body) {
  rules_.push_back(std::move(body));
  return rule(static_cast<uint32_t>(rules_.size() - 1));
}

// None, one, or a new line with what indents it: a model may write as it is used to, but not for ever.
Expression JsonGrammar::space() const {
  return optional(choice(
      {literal(" "), sequence({literal("\n"), repeat(literal(" "), 0, 2 * kJsonNestingMax)})}));
}

Expression JsonGrammar::comma() const {
  return sequence({literal(","), space()});
}

Expression JsonGrammar::list(char open, Expression inside, char close) const {
  return sequence({literal(std::string(1, open)), space(), std::move(inside), space(),
                   literal(std::string(1, close))});
}

Expression JsonGrammar::any_value() {
  return any_values_.back();
}

Expression JsonGrammar::any_object() {
  return any_objects_.back();
}

Rules JsonGrammar::finish(Expression root) {
  rules_.front() = std::move(root);
  return std::move(rules_);
}

std::string compact_json(const json::value& value) {
  if (value.is_double()) return fmt::format("{}", value.get_double());
  std::string text;
  if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) text += (text.empty() ? "" : ",") + compact_json(item);
    return "[" + text + "]";
  }
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      text += (text.empty() ? "" : ",") + json::serialize(key) + ":" + compact_json(member);
    }
    return "{" + text + "}";
  }
  return json::serialize(value);
}

}  // namespace sotto::text
