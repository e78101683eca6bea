// Following a dotted path through dicts and lists.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_attribute_path.h"

#include <charconv>

#include "text/jinja_interpreter.h"
#include "text/jinja_strings.h"

namespace sotto::text::jinja {

Result<AttributePath> AttributePath::parse(Budget& budget, const Value* attribute) {
  AttributePath path;
  if (!attribute || is_none(*attribute)) return path;
  const Text* text = as_text(*attribute);
  if (!text) {
    path.steps_.push_back(*attribute);
    return path;
  }
  const Text dot(".", true);
  for (Text& part : TRY(split(budget, *text, &dot, -1, false))) {
    int64_t index = 0;
    const std::string& bytes = part.bytes();
    const auto read = std::from_chars(bytes.data(), bytes.data() + bytes.size(), index);
    const bool is_index = read.ec == std::errc() && read.ptr == bytes.data() + bytes.size() &&
                          !bytes.starts_with('-');
    path.steps_.push_back(is_index ? make_integer(index, part.trusted())
                                   : make_text(std::move(part)));
  }
  return path;
}

Result<std::vector<AttributePath>> AttributePath::parse_all(Budget& budget,
                                                            const Value* attribute) {
  std::vector<AttributePath> paths;
  const Text* text = attribute ? as_text(*attribute) : nullptr;
  if (!text) {
    paths.push_back(TRY(parse(budget, attribute)));
    return paths;
  }
  const Text comma(",", true);
  for (Text& part : TRY(split(budget, *text, &comma, -1, false))) {
    const Value one = make_text(std::move(part));
    paths.push_back(TRY(parse(budget, &one)));
  }
  return paths;
}

Result<Value> AttributePath::get(Interpreter& interpreter, Value item,
                                 const Value* fallback) const {
  for (const Value& step : steps_) {
    TRY(interpreter.budget().step());
    item = TRY(interpreter.item(item, step));
    if (fallback && is_undefined(item)) item = *fallback;
  }
  return item;
}

Result<Value> comparison_key(Interpreter& interpreter, Value value, bool case_sensitive) {
  const Text* text = as_text(value);
  if (case_sensitive || !text) return value;
  return make_text(TRY(lower(interpreter.budget(), *text)));
}

}  // namespace sotto::text::jinja
