// Filters that look at, cut or order a list.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/jinja_attribute_path.h"
#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"
#include "text/jinja_strings.h"

namespace sotto::text::jinja {

namespace {

Result<Value> length(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("length", given, {}));
  if (const Text* text = as_text(value)) TRY(interpreter.budget().scan(text->size()));
  return make_integer(TRY(length_of(value)), false);
}

Result<Value> first(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("first", given, {}));
  Sequence* sequence = as_sequence(value);
  if (sequence && sequence->consumed < sequence->items.size()) {
    const bool is_generator = sequence->flavour == Sequence::Flavour::generator;
    return sequence->items[is_generator ? sequence->consumed++ : 0];
  }
  const std::vector<Value> items = TRY(items_of(interpreter.budget(), value));
  return items.empty() ? make_undefined("no first item, sequence was empty") : items.front();
}

Result<Value> last(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("last", given, {}));
  const Sequence* sequence = as_sequence(value);
  if (sequence && sequence->flavour == Sequence::Flavour::generator) {
    return fail(ErrorKind::malformed, "last: a generator cannot be reversed");
  }
  if (sequence && !sequence->items.empty()) return sequence->items.back();
  const std::vector<Value> items = TRY(items_of(interpreter.budget(), value));
  return items.empty() ? make_undefined("no last item, sequence was empty") : items.back();
}

Result<Value> list(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("list", given, {}));
  return make_list(interpreter.budget(), TRY(items_of(interpreter.budget(), value)));
}

Result<Value> join(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("join", given, {"d", "attribute"}));
  Budget& budget = interpreter.budget();
  const AttributePath path = TRY(AttributePath::parse(budget, bound.get(1)));
  const Text separator = bound.get(0) ? TRY(to_text(budget, *bound.get(0))) : Text();
  TextBuilder out(budget);
  bool is_first = true;
  for (const Value& item : TRY(items_of(budget, value))) {
    if (!std::exchange(is_first, false)) TRY(out.append(separator));
    TRY(budget.step());
    TRY(append_text(out, TRY(path.get(interpreter, item))));
  }
  return make_text(out.take());
}

Result<Value> reverse(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("reverse", given, {}));
  if (as_text(value))
    return slice(interpreter.budget(), value, {.start = {}, .stop = {}, .step = -1});
  const Sequence* sequence = as_sequence(value);
  const bool is_generator = sequence && sequence->flavour == Sequence::Flavour::generator;
  std::vector<Value> items = TRY(items_of(interpreter.budget(), value));
  std::reverse(items.begin(), items.end());
  // Python's list() takes over where reversed() cannot.
  if (is_generator) return make_list(interpreter.budget(), std::move(items));
  return make_generator(interpreter.budget(), std::move(items));
}

// An item with what it is ordered by.
struct Keyed {
  Value key;
  Value item;
};

// Merges from below; items that are neither before nor after one another keep their order.
Result<void> sort_by_key(Budget& budget, std::vector<Keyed>& items, bool descending) {
  std::vector<Keyed> merged(items.size());
  for (size_t width = 1; width < items.size(); width *= 2) {
    for (size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, items.size());
      const size_t end = std::min(begin + 2 * width, items.size());
      size_t left = begin;
      size_t right = middle;
      for (size_t out = begin; out < end; ++out) {
        bool take_right = left == middle;
        if (left < middle && right < end) {
          take_right = TRY(descending ? less(budget, items[left].key, items[right].key)
                                      : less(budget, items[right].key, items[left].key));
        }
        merged[out] = std::move(items[take_right ? right++ : left++]);
      }
    }
    items.swap(merged);
  }
  return {};
}

Result<std::vector<Keyed>> with_keys(Interpreter& interpreter, const Value& value,
                                     const Value* attribute, bool case_sensitive,
                                     const Value* fallback = nullptr) {
  Budget& budget = interpreter.budget();
  const AttributePath path = TRY(AttributePath::parse(budget, attribute));
  std::vector<Keyed> keyed;
  for (Value& item : TRY(items_of(budget, value))) {
    Value key = TRY(path.get(interpreter, item, fallback));
    key = TRY(comparison_key(interpreter, std::move(key), case_sensitive));
    TRY(budget.items(1));
    keyed.push_back({std::move(key), std::move(item)});
  }
  return keyed;
}

// The same with several attributes; their keys make a list.
Result<std::vector<Keyed>> with_key_lists(Interpreter& interpreter, const Value& value,
                                          const Value* attributes, bool case_sensitive) {
  Budget& budget = interpreter.budget();
  const auto paths = TRY(AttributePath::parse_all(budget, attributes));
  std::vector<Keyed> keyed;
  for (Value& item : TRY(items_of(budget, value))) {
    std::vector<Value> keys;
    for (const AttributePath& path : paths) {
      Value key = TRY(path.get(interpreter, item));
      keys.push_back(TRY(comparison_key(interpreter, std::move(key), case_sensitive)));
    }
    keyed.push_back({TRY(make_list(budget, std::move(keys))), std::move(item)});
  }
  return keyed;
}

std::vector<Value> items_of_keyed(std::vector<Keyed> keyed) {
  std::vector<Value> items;
  for (Keyed& entry : keyed) items.push_back(std::move(entry.item));
  return items;
}

Result<Value> sort(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("sort", given, {"reverse", "case_sensitive", "attribute"}));
  auto keyed = TRY(with_key_lists(interpreter, value, bound.get(2), bound.flag(1)));
  TRY(sort_by_key(interpreter.budget(), keyed, bound.flag(0)));
  return make_list(interpreter.budget(), items_of_keyed(std::move(keyed)));
}

Result<Value> dictsort(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("dictsort", given, {"case_sensitive", "by", "reverse"}));
  const std::string by = bound.get(1) ? TRY(bound.text(1))->bytes() : "key";
  if (by != "key" && by != "value") {
    return fail(ErrorKind::malformed, "dictsort: by must be key or value");
  }
  if (!as_dict(value)) return fail(ErrorKind::malformed, "dictsort: not a mapping");
  const Value pairs = TRY(dict_items(interpreter.budget(), value, Sequence::Flavour::items));
  const Value place = make_integer(by == "key" ? 0 : 1, true);
  auto keyed = TRY(with_keys(interpreter, pairs, &place, bound.flag(0)));
  TRY(sort_by_key(interpreter.budget(), keyed, bound.flag(2)));
  return make_list(interpreter.budget(), items_of_keyed(std::move(keyed)));
}

Result<Value> unique(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("unique", given, {"case_sensitive", "attribute"}));
  const auto keyed = TRY(with_keys(interpreter, value, bound.get(1), bound.flag(0)));
  std::vector<const Value*> seen;
  std::vector<Value> items;
  for (const Keyed& entry : keyed) {
    if (!is_hashable(entry.key) && !is_undefined(entry.key)) {
      return fail(ErrorKind::malformed, "unhashable type: '{}'", type_name(entry.key));
    }
    bool known = false;
    for (size_t i = 0; i < seen.size() && !known; ++i) {
      known = TRY(equal(interpreter.budget(), *seen[i], entry.key));
    }
    if (known) continue;
    seen.push_back(&entry.key);
    items.push_back(entry.item);
  }
  return make_generator(interpreter.budget(), std::move(items));
}

template <bool greatest>
Result<Value> extreme(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("min", given, {"case_sensitive", "attribute"}));
  const auto keyed = TRY(with_keys(interpreter, value, bound.get(1), bound.flag(0)));
  if (keyed.empty()) return make_undefined("no aggregated item, sequence was empty");
  const Keyed* best = &keyed[0];
  for (const Keyed& entry : keyed) {
    const bool better = TRY(greatest ? less(interpreter.budget(), best->key, entry.key)
                                     : less(interpreter.budget(), entry.key, best->key));
    if (better) best = &entry;
  }
  return best->item;
}

Result<Value> sum(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("sum", given, {"attribute", "start"}));
  Budget& budget = interpreter.budget();
  const AttributePath path = TRY(AttributePath::parse(budget, bound.get(0)));
  Value total = bound.get(1) ? *bound.get(1) : make_integer(0, true);
  if (as_text(total)) return fail(ErrorKind::malformed, "sum() can't sum strings");
  for (const Value& item : TRY(items_of(budget, value))) {
    TRY(budget.step());
    total = TRY(arithmetic(budget, Operator::add, total, TRY(path.get(interpreter, item))));
  }
  return total;
}

Result<Value> groupby(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("groupby", given, {"attribute", "default", "case_sensitive"}, 1));
  Budget& budget = interpreter.budget();
  const Value* fallback = bound.get(1) && !is_none(*bound.get(1)) ? bound.get(1) : nullptr;
  auto keyed = TRY(with_keys(interpreter, value, bound.get(0), bound.flag(2), fallback));
  TRY(sort_by_key(budget, keyed, false));
  const AttributePath path = TRY(AttributePath::parse(budget, bound.get(0)));
  std::vector<Value> groups;
  for (size_t begin = 0; begin < keyed.size();) {
    std::vector<Value> members;
    size_t end = begin;
    while (end < keyed.size() && TRY(equal(budget, keyed[begin].key, keyed[end].key))) {
      members.push_back(keyed[end++].item);
    }
    // What is not equal to itself is a group of its own.
    if (end == begin) members.push_back(keyed[end++].item);
    Value grouper = TRY(path.get(interpreter, members[0], fallback));
    Value all = TRY(make_list(budget, std::move(members)));
    groups.push_back(
        TRY(make_sequence(budget, {std::move(grouper), std::move(all)}, Sequence::Flavour::tuple)));
    as_sequence(groups.back())->is_group = true;
    begin = end;
  }
  return make_list(budget, std::move(groups));
}

Result<Value> batch(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("batch", given, {"linecount", "fill_with"}, 1));
  Budget& budget = interpreter.budget();
  const int64_t count = TRY(bound.integer(0, 1));
  std::vector<Value> lines;
  std::vector<Value> line;
  for (Value& item : TRY(items_of(budget, value))) {
    if (static_cast<int64_t>(line.size()) == count && !line.empty()) {
      lines.push_back(TRY(make_list(budget, std::exchange(line, {}))));
    }
    line.push_back(std::move(item));
  }
  const Value* fill = bound.get(1);
  if (!line.empty() && fill && !is_none(*fill)) {
    const int64_t missing = std::max<int64_t>(0, count - static_cast<int64_t>(line.size()));
    TRY(budget.items(static_cast<uint64_t>(missing)));
    line.insert(line.end(), static_cast<size_t>(missing), *fill);
  }
  if (!line.empty()) lines.push_back(TRY(make_list(budget, std::move(line))));
  return make_generator(budget, std::move(lines));
}

Result<Value> slice_filter(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("slice", given, {"slices", "fill_with"}, 1));
  Budget& budget = interpreter.budget();
  const std::vector<Value> items = TRY(items_of(budget, value));
  const int64_t slices = TRY(bound.integer(0, 1));
  if (slices == 0) return fail(ErrorKind::malformed, "slice: division by zero");
  const auto size = static_cast<int64_t>(items.size());
  const Value* fill = bound.get(1);
  std::vector<Value> parts;
  int64_t begin = 0;
  for (int64_t i = 0; i < slices; ++i) {
    const bool longer = i < size % slices;
    const int64_t end = begin + size / slices + (longer ? 1 : 0);
    std::vector<Value> part(items.begin() + begin, items.begin() + end);
    if (fill && !is_none(*fill) && !longer) part.push_back(*fill);
    parts.push_back(TRY(make_list(budget, std::move(part))));
    begin = end;
  }
  return make_generator(budget, std::move(parts));
}

Result<Value> items(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("items", given, {}));
  if (is_undefined(value)) return make_generator(interpreter.budget(), {});
  if (!as_dict(value)) {
    const Error error{ErrorKind::malformed, "can only get item pairs from a mapping"};
    return make_generator(interpreter.budget(), {}, error);
  }
  return dict_items(interpreter.budget(), value, Sequence::Flavour::generator);
}

constexpr FilterEntry kFilters[] = {
    {"batch", batch},     {"count", length},       {"dictsort", dictsort}, {"first", first},
    {"groupby", groupby}, {"items", items},        {"join", join},         {"last", last},
    {"length", length},   {"list", list},          {"max", extreme<true>}, {"min", extreme<false>},
    {"reverse", reverse}, {"slice", slice_filter}, {"sort", sort},         {"sum", sum},
    {"unique", unique},
};

}  // namespace

std::span<const FilterEntry> sequence_filters() {
  return kFilters;
}

}  // namespace sotto::text::jinja
