// Filters that apply another filter, a test or an attribute to every item.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_attribute_path.h"
#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_methods.h"
#include "text/jinja_tests.h"

namespace sotto::text::jinja {

namespace {

// Python's generators fail when their items are asked for, so what goes wrong with an item is kept
// until then. A limit of ours is not: it ends the rendering at once.
template <class Produce>
Result<Value> generate(Interpreter& interpreter, const Value& value, Produce produce) {
  Budget& budget = interpreter.budget();
  std::vector<Value> out;
  if (!truthy(value)) return make_generator(budget, {});
  std::optional<Error> failure;
  Result<std::vector<Value>> items = items_of(budget, value);
  if (!items) failure = items.error();
  for (size_t i = 0; items && i < items->size() && !failure; ++i) {
    TRY(budget.step());
    Result<std::optional<Value>> produced = produce((*items)[i]);
    if (!produced) {
      failure = produced.error();
    } else if (*produced) {
      TRY(budget.items(1));
      out.push_back(std::move(**produced));
    }
  }
  if (failure && failure->kind == ErrorKind::exhausted) return std::unexpected(*failure);
  return make_generator(budget, std::move(out), std::move(failure));
}

// The name is shown only if the template spelled it.
std::unexpected<Error> unknown(std::string_view what, const Text& name) {
  const bool shown = name.trusted() && name.size() <= 40;
  return fail(ErrorKind::unsupported, "no {} named {}", what,
              shown ? fmt::format("'{}'", name.bytes()) : "so");
}

Result<Arguments> without_first(Budget& budget, const Arguments& arguments, size_t count) {
  TRY(budget.items(arguments.positional.size() + arguments.keyword.size()));
  const auto first = arguments.positional.begin() + static_cast<ptrdiff_t>(count);
  return Arguments{{first, arguments.positional.end()}, arguments.keyword};
}

Result<Value> map(Interpreter& interpreter, const Value& value, const Arguments& given) {
  using Produced = Result<std::optional<Value>>;
  if (given.positional.empty()) {
    const Bound bound = TRY(bind("map", given, {"attribute", "default"}, 1));
    const AttributePath path = TRY(AttributePath::parse(interpreter.budget(), bound.get(0)));
    const bool has_default = bound.get(1) && !is_none(*bound.get(1));
    return generate(interpreter, value, [&](const Value& item) -> Produced {
      return TRY(path.get(interpreter, item, has_default ? bound.get(1) : nullptr));
    });
  }
  const Text* name = as_text(given.positional[0]);
  if (!name) return fail(ErrorKind::malformed, "map: a filter's name must be str");
  if (!find_filter(name->bytes())) return unknown("filter", *name);
  const Arguments arguments = TRY(without_first(interpreter.budget(), given, 1));
  return generate(interpreter, value, [&](const Value& item) -> Produced {
    return TRY(interpreter.apply_filter(name->bytes(), item, arguments));
  });
}

template <bool by_attribute, bool keep>
Result<Value> choose(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const size_t first = by_attribute ? 1 : 0;
  if (given.positional.size() < first) {
    return fail(ErrorKind::malformed, "missing parameter for attribute name");
  }
  const Value* attribute = by_attribute ? &given.positional[0] : nullptr;
  const AttributePath path = TRY(AttributePath::parse(interpreter.budget(), attribute));
  const bool has_test = given.positional.size() > first;
  const Text* test = has_test ? as_text(given.positional[first]) : nullptr;
  if (has_test && !test) return fail(ErrorKind::malformed, "a test's name must be str");
  if (test && !find_test(test->bytes())) return unknown("test", *test);
  const Arguments arguments =
      TRY(without_first(interpreter.budget(), given, has_test ? first + 1 : first));
  return generate(interpreter, value, [&](const Value& item) -> Result<std::optional<Value>> {
    const Value subject = TRY(path.get(interpreter, item));
    const bool passed =
        test ? TRY(interpreter.apply_test(test->bytes(), subject, arguments)) : truthy(subject);
    return passed == keep ? std::optional(item) : std::nullopt;
  });
}

// Like value.name, but never an item.
Result<Value> attr(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("attr", given, {"name"}, 1));
  const Text* name = TRY(bound.text(0));
  if (as_dict(value) && method_status(value, name->bytes()) == MethodStatus::absent) {
    return make_undefined("dict has no such attribute");
  }
  return interpreter.attribute(value, name->bytes(), false);
}

constexpr FilterEntry kFilters[] = {
    {"attr", attr},
    {"map", map},
    {"reject", choose<false, false>},
    {"rejectattr", choose<true, false>},
    {"select", choose<false, true>},
    {"selectattr", choose<true, true>},
};

}  // namespace

std::span<const FilterEntry> selection_filters() {
  return kFilters;
}

}  // namespace sotto::text::jinja
