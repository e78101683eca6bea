// Calls of macros, methods and built-in functions, and the attributes and items of values.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/jinja_globals.h"
#include "text/jinja_guards.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_lexer.h"
#include "text/jinja_methods.h"

namespace sotto::text::jinja {

namespace {

std::unexpected<Error> used(const Value& undefined) {
  return fail(ErrorKind::malformed, "{}", as_undefined(undefined)->why);
}

}  // namespace

Result<Value> Interpreter::make_namespace(std::map<std::string, Value, std::less<>> attributes) {
  TRY(budget_.items(attributes.size() + 1));
  for (const auto& [name, value] : attributes) TRY(budget_.bytes(name.size()));
  namespaces_.push_back(std::make_shared<Namespace>(Namespace{std::move(attributes)}));
  return Value{.data = namespaces_.back()};
}

Result<Value> Interpreter::attribute(const Value& object, const std::string& name, bool show_name) {
  if (is_undefined(object)) return used(object);
  if (as_loop(object)) {
    if (auto value = TRY(loop_attribute(object, name))) return std::move(*value);
  }
  const std::string shown = show_name ? fmt::format(" '{}'", name) : "";
  switch (method_status(object, name)) {
    case MethodStatus::usable: {
      TRY(budget_.items(1));
      const uint32_t depth = depth_of(object) + 1;
      if (depth > kValueDepthMax) return fail(ErrorKind::exhausted, "methods nest too deeply");
      return Value{.data = std::make_shared<const Callable>(Callable{Method{object, name}, depth})};
    }
    case MethodStatus::unsafe:
      return make_undefined(
          fmt::format("access to attribute{} of '{}' object is unsafe", shown, type_name(object)));
    case MethodStatus::absent:
      break;
  }
  if (const Namespace* space = as_namespace(object)) {
    const auto found = space->attributes.find(name);
    if (found != space->attributes.end()) return found->second;
  }
  if (const Dict* dict = as_dict(object)) {
    if (const Value* value = dict->find(name)) return *value;
  }
  if (const Sequence* group = as_sequence(object); group && group->is_group) {
    if (name == "grouper") return group->items[0];
    if (name == "list") return group->items[1];
  }
  return make_undefined(fmt::format("'{}' object has no attribute{}", type_name(object), shown));
}

Result<Value> Interpreter::item(const Value& object, const Value& index) {
  if (is_undefined(object)) return used(object);
  if (const Dict* dict = as_dict(object)) {
    if (const Value* value = dict->find(index)) return *value;
  }
  const auto number = as_integer(index);
  const Sequence* sequence = as_sequence(object);
  if (number && sequence && sequence->flavour <= Sequence::Flavour::range) {
    const auto size = static_cast<int64_t>(sequence->items.size());
    const int64_t place = *number < 0 ? *number + size : *number;
    if (place >= 0 && place < size) return sequence->items[static_cast<size_t>(place)];
  }
  if (const Text* text = as_text(object); text && number) {
    TRY(budget_.scan(text->size()));
    const auto size = static_cast<int64_t>(Text::count_code_points(text->bytes()));
    const int64_t place = *number < 0 ? *number + size : *number;
    if (place >= 0 && place < size) {
      TRY(budget_.items(1));
      const size_t begin = Text::offset_of(text->bytes(), static_cast<size_t>(place));
      size_t end = begin;
      Text::next_code_point(text->bytes(), end);
      return make_text(text->slice(begin, end));
    }
  }
  // What has no such item may have an attribute of that name, as in Jinja2.
  if (const Text* name = as_text(index)) {
    return attribute(object, name->bytes(), name->trusted() && name->size() < kNameBytesMax);
  }
  return make_undefined(fmt::format("'{}' object has no such element", type_name(object)));
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  const Nested nested(*this);
  TRY(enter(line_));
  if (is_undefined(callee)) return used(callee);
  if (Loop* loop = as_loop(callee)) return call_loop(*loop, arguments);
  const Callable* callable = as_callable(callee);
  if (!callable) {
    return fail(ErrorKind::malformed, "'{}' object is not callable", type_name(callee));
  }
  if (const auto* macro = std::get_if<Macro>(&callable->target)) {
    return call_macro(*macro, arguments);
  }
  if (const auto* method = std::get_if<Method>(&callable->target)) {
    if (Loop* loop = as_loop(method->self)) return call_loop_method(*loop, method->name, arguments);
    return call_method(*this, method->self, method->name, arguments);
  }
  return call_global(*this, std::get<GlobalFunction>(callable->target).name, arguments);
}

Result<Value> Interpreter::make_macro(const MacroStatement& macro) {
  TRY(budget_.items(4));
  captured_.push_back(scope_);
  return Value{.data = std::make_shared<const Callable>(Callable{Macro{&macro, scope_}})};
}

Result<Value> Interpreter::call_macro(const Macro& macro, const Arguments& arguments) {
  const InScope inner(*this, macro.scope);
  TRY(bind_parameters(*macro.statement, arguments));
  return make_text(TRY(capture(macro.statement->body)));
}

Result<void> Interpreter::bind_parameters(const MacroStatement& macro, const Arguments& arguments) {
  const Parameters& parameters = macro.parameters;
  const size_t first_default = parameters.names.size() - parameters.defaults.size();
  std::vector<bool> used_keywords(arguments.keyword.size());
  for (size_t i = 0; i < parameters.names.size(); ++i) {
    const std::string& name = parameters.names[i];
    if (i < arguments.positional.size()) {
      TRY(define(name, arguments.positional[i]));
      continue;
    }
    const auto keyword = std::find_if(arguments.keyword.begin(), arguments.keyword.end(),
                                      [&](const auto& given) { return given.first == name; });
    if (keyword != arguments.keyword.end()) {
      used_keywords[static_cast<size_t>(keyword - arguments.keyword.begin())] = true;
      TRY(define(name, keyword->second));
    } else if (i >= first_default) {
      TRY(define(name, TRY(evaluate(*parameters.defaults[i - first_default]))));
    } else {
      TRY(define(name, make_undefined(fmt::format("parameter '{}' was not provided", name))));
    }
  }
  return bind_extras(macro, arguments, used_keywords);
}

Result<void> Interpreter::bind_extras(const MacroStatement& macro, const Arguments& arguments,
                                      const std::vector<bool>& used) {
  const auto& names = macro.parameters.names;
  const bool explicit_caller = std::find(names.begin(), names.end(), "caller") != names.end();
  const bool takes_caller = macro.takes_caller && !explicit_caller;
  Value caller = make_undefined("no caller defined");
  std::vector<std::pair<Value, Value>> more_keyword;
  for (size_t i = 0; i < arguments.keyword.size(); ++i) {
    const auto& [name, value] = arguments.keyword[i];
    if (used[i]) continue;
    if (takes_caller && name == "caller") {
      caller = value;
    } else if (macro.takes_kwargs) {
      more_keyword.emplace_back(make_text(name, false), value);
    } else {
      return fail(ErrorKind::malformed, "macro '{}' takes no such keyword argument", macro.name);
    }
  }
  if (takes_caller) TRY(define("caller", std::move(caller)));
  if (macro.takes_kwargs) TRY(define("kwargs", TRY(make_dict(budget_, std::move(more_keyword)))));
  const size_t more = std::max(arguments.positional.size(), names.size()) - names.size();
  if (macro.takes_varargs) {
    std::vector<Value> rest(arguments.positional.end() - static_cast<ptrdiff_t>(more),
                            arguments.positional.end());
    TRY(define("varargs", TRY(make_sequence(budget_, std::move(rest), Sequence::Flavour::tuple))));
  } else if (more != 0) {
    return fail(ErrorKind::malformed, "macro '{}' takes not more than {} arguments", macro.name,
                names.size());
  }
  return {};
}

}  // namespace sotto::text::jinja
