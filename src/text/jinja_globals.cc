// range(), dict(), namespace(), raise_exception() and strftime_now().
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_globals.h"

#include <algorithm>

#include "base/check.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_time.h"

namespace sotto::text::jinja {

namespace {

constexpr uint64_t kRangeMax = 100000;

Result<Value> make_range(Interpreter& interpreter, const Arguments& arguments) {
  const Bound bound = TRY(bind("range", arguments, {"start", "stop", "step"}, 1));
  const bool has_stop = bound.get(1) != nullptr;
  const int64_t start = has_stop ? TRY(bound.integer(0, 0)) : 0;
  const int64_t stop = TRY(bound.integer(has_stop ? 1 : 0, 0));
  const int64_t step = TRY(bound.integer(2, 1));
  if (step == 0) return fail(ErrorKind::malformed, "range(): argument 3 must not be zero");
  std::vector<Value> items;
  const bool trusted = std::all_of(arguments.positional.begin(), arguments.positional.end(),
                                   [](const Value& value) { return value.trusted; });
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (items.size() == kRangeMax) {
      return fail(ErrorKind::exhausted, "range() of over {} items", kRangeMax);
    }
    items.push_back(make_integer(i, trusted));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return make_sequence(interpreter.budget(), std::move(items), Sequence::Flavour::range);
}

// The entries that dict() and namespace() begin with: those of a mapping or of pairs.
Result<std::vector<std::pair<Value, Value>>> initial_entries(Budget& budget,
                                                             const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> entries;
  if (arguments.positional.size() > 1) {
    return fail(ErrorKind::malformed, "expected at most 1 argument, got {}",
                arguments.positional.size());
  }
  if (arguments.positional.empty()) return entries;
  const Value& initial = arguments.positional[0];
  if (const Dict* dict = as_dict(initial)) {
    TRY(budget.items(dict->entries.size() * 2));
    return dict->entries;
  }
  for (const Value& pair : TRY(items_of(budget, initial))) {
    std::vector<Value> parts = TRY(items_of(budget, pair));
    if (parts.size() != 2) return fail(ErrorKind::malformed, "a pair of {} items", parts.size());
    entries.emplace_back(std::move(parts[0]), std::move(parts[1]));
  }
  return entries;
}

Result<Value> make_dict_of(Interpreter& interpreter, const Arguments& arguments) {
  auto entries = TRY(initial_entries(interpreter.budget(), arguments));
  for (const auto& [name, value] : arguments.keyword) {
    entries.emplace_back(make_text(name, false), value);
  }
  return make_dict(interpreter.budget(), std::move(entries));
}

Result<Value> make_namespace_of(Interpreter& interpreter, const Arguments& arguments) {
  std::map<std::string, Value, std::less<>> attributes;
  for (const auto& [key, value] : TRY(initial_entries(interpreter.budget(), arguments))) {
    const Text* name = as_text(key);
    if (!name) return fail(ErrorKind::malformed, "namespace(): names must be strings");
    attributes.insert_or_assign(name->bytes(), value);
  }
  for (const auto& [name, value] : arguments.keyword) attributes.insert_or_assign(name, value);
  return interpreter.make_namespace(std::move(attributes));
}

Result<Value> raise_exception(Interpreter& interpreter, const Arguments& arguments) {
  const Bound bound = TRY(bind("raise_exception", arguments, {"message"}, 1));
  return std::unexpected(
      Error{ErrorKind::denied, TRY(to_text(interpreter.budget(), *bound.get(0))).bytes()});
}

Result<Value> strftime_now(Interpreter& interpreter, const Arguments& arguments) {
  const Bound bound = TRY(bind("strftime_now", arguments, {"format"}, 1));
  const std::string& format = TRY(bound.text(0))->bytes();
  TRY(interpreter.budget().bytes(format.size() * kTimePartBytesMax));
  return make_text(TRY(format_time(format, interpreter.now())), false);
}

using GlobalBody = Result<Value> (*)(Interpreter&, const Arguments&);
constexpr std::pair<std::string_view, GlobalBody> kGlobals[] = {
    {"range", make_range},
    {"dict", make_dict_of},
    {"namespace", make_namespace_of},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
};

const std::pair<std::string_view, GlobalBody>* find_global(std::string_view name) {
  const auto* found = std::find_if(std::begin(kGlobals), std::end(kGlobals),
                                   [&](const auto& entry) { return entry.first == name; });
  return found == std::end(kGlobals) ? nullptr : found;
}

}  // namespace

bool is_global_function(std::string_view name) {
  return find_global(name) != nullptr;
}

Result<Value> call_global(Interpreter& interpreter, std::string_view name,
                          const Arguments& arguments) {
  const auto* found = find_global(name);
  CHECK(found);
  return found->second(interpreter, arguments);
}

}  // namespace sotto::text::jinja
