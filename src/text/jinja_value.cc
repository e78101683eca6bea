// Values of the template interpreter: making, comparing and walking through them.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <compare>

#include "base/check.h"
#include "text/jinja_callable.h"

namespace sotto::text::jinja {

namespace {

template <class T>
const T* held(const Value& value) {
  const auto* pointer = std::get_if<std::shared_ptr<const T>>(&value.data);
  return pointer ? pointer->get() : nullptr;
}

template <class T>
T* held_mutable(const Value& value) {
  const auto* pointer = std::get_if<std::shared_ptr<T>>(&value.data);
  return pointer ? pointer->get() : nullptr;
}

// Wide enough to hold every int64 and every double exactly.
using Wide = long double;
static_assert(std::numeric_limits<Wide>::digits >= 64);

std::optional<Wide> as_wide(const Value& value) {
  if (const auto integer = as_integer(value)) return static_cast<Wide>(*integer);
  if (const auto* number = std::get_if<double>(&value.data)) return static_cast<Wide>(*number);
  return std::nullopt;
}

// Kinds of dict keys, in the order in which they are kept; -1 for what cannot be a key.
int key_rank(const Value& value) {
  if (is_none(value)) return 0;
  if (const auto wide = as_wide(value)) return std::isnan(*wide) ? -1 : 1;
  if (as_text(value)) return 2;
  const Sequence* sequence = as_sequence(value);
  if (!sequence || sequence->flavour != Sequence::Flavour::tuple) return -1;
  for (const Value& item : sequence->items) {
    if (key_rank(item) < 0) return -1;
  }
  return 3;
}

std::strong_ordering order(Wide left, Wide right) {
  return left < right   ? std::strong_ordering::less
         : left > right ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
}

// A total order of the values that can be keys, whose equality is Python's.
std::strong_ordering key_order(const Value& left, const Value& right) {
  const int rank = key_rank(left);
  if (const auto by_rank = rank <=> key_rank(right); by_rank != 0) return by_rank;
  if (rank == 1) return order(*as_wide(left), *as_wide(right));
  if (rank == 2) return as_text(left)->bytes() <=> as_text(right)->bytes();
  if (rank == 3) {
    const auto& a = as_sequence(left)->items;
    const auto& b = as_sequence(right)->items;
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                  key_order);
  }
  return std::strong_ordering::equal;
}

// Equal keys become one entry: at the first one's place, with the last one's value.
void merge_equal_keys(Dict& dict) {
  std::vector<bool> dropped(dict.entries.size());
  for (size_t i = 0; i < dict.by_key.size();) {
    size_t last = i;
    while (last + 1 < dict.by_key.size() &&
           key_order(dict.entries[dict.by_key[i]].first,
                     dict.entries[dict.by_key[last + 1]].first) == std::strong_ordering::equal) {
      ++last;
      dropped[dict.by_key[last]] = true;
    }
    if (last != i) {
      dict.entries[dict.by_key[i]].second = dict.entries[dict.by_key[last]].second;
    }
    i = last + 1;
  }
  std::vector<uint32_t> moved_to(dict.entries.size());
  uint32_t kept = 0;
  for (uint32_t i = 0; i < dict.entries.size(); ++i) {
    moved_to[i] = kept;
    if (dropped[i]) continue;
    if (kept != i) dict.entries[kept] = std::move(dict.entries[i]);
    ++kept;
  }
  dict.entries.resize(kept);
  std::erase_if(dict.by_key, [&](uint32_t index) { return dropped[index]; });
  for (uint32_t& index : dict.by_key) index = moved_to[index];
}

Result<bool> equal_sequences(Budget& budget, const Sequence& left, const Sequence& right) {
  if (left.flavour != right.flavour || left.items.size() != right.items.size()) return false;
  for (size_t i = 0; i < left.items.size(); ++i) {
    if (!TRY(equal(budget, left.items[i], right.items[i]))) return false;
  }
  return true;
}

Result<bool> equal_dicts(Budget& budget, const Dict& left, const Dict& right) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    const Value* other = right.find(key);
    if (!other || !TRY(equal(budget, value, *other))) return false;
  }
  return true;
}

}  // namespace

const Undefined* as_undefined(const Value& value) {
  return held<Undefined>(value);
}
bool is_undefined(const Value& value) {
  return as_undefined(value);
}
bool is_none(const Value& value) {
  return std::holds_alternative<None>(value.data);
}
const Text* as_text(const Value& value) {
  return held<Text>(value);
}
const Dict* as_dict(const Value& value) {
  return held<Dict>(value);
}
const Callable* as_callable(const Value& value) {
  return held<Callable>(value);
}
Sequence* as_sequence(const Value& value) {
  return held_mutable<Sequence>(value);
}
Loop* as_loop(const Value& value) {
  return held_mutable<Loop>(value);
}
Namespace* as_namespace(const Value& value) {
  return held_mutable<Namespace>(value);
}

std::optional<int64_t> as_integer(const Value& value) {
  if (const auto* truth = std::get_if<bool>(&value.data)) return *truth ? 1 : 0;
  if (const auto* integer = std::get_if<int64_t>(&value.data)) return *integer;
  return std::nullopt;
}

std::optional<double> as_number(const Value& value) {
  if (const auto integer = as_integer(value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value.data)) return *number;
  return std::nullopt;
}

bool is_number(const Value& value) {
  return as_number(value).has_value();
}

Value make_undefined(std::string why) {
  return {.data = std::make_shared<const Undefined>(Undefined{std::move(why)}), .trusted = true};
}
Value make_bool(bool value) {
  return {.data = value};
}
Value make_integer(int64_t value, bool trusted) {
  return {.data = value, .trusted = trusted};
}
Value make_float(double value, bool trusted) {
  return {.data = value, .trusted = trusted};
}
Value make_text(Text text) {
  return {.data = std::make_shared<const Text>(std::move(text))};
}
Value make_text(std::string bytes, bool trusted) {
  return make_text(Text(std::move(bytes), trusted));
}

uint32_t depth_of(const Value& value) {
  if (const Sequence* sequence = as_sequence(value)) return sequence->depth;
  if (const Dict* dict = as_dict(value)) return dict->depth;
  if (const Callable* callable = as_callable(value)) return callable->depth;
  if (const Loop* loop = as_loop(value)) return loop->depth;
  return 0;
}

bool is_hashable(const Value& value) {
  return key_rank(value) >= 0;
}

Result<Value> make_sequence(Budget& budget, std::vector<Value> items, Sequence::Flavour flavour,
                            bool trusted) {
  TRY(budget.items(items.size() + 1));
  auto sequence = std::make_shared<Sequence>();
  for (const Value& item : items) sequence->depth = std::max(sequence->depth, depth_of(item) + 1);
  if (sequence->depth > kValueDepthMax) {
    return fail(ErrorKind::exhausted, "lists nest deeper than {}", kValueDepthMax);
  }
  sequence->flavour = flavour;
  sequence->items = std::move(items);
  return Value{.data = std::move(sequence), .trusted = trusted};
}

Result<Value> make_list(Budget& budget, std::vector<Value> items, bool trusted) {
  return make_sequence(budget, std::move(items), Sequence::Flavour::list, trusted);
}

Result<Value> make_dict(Budget& budget, std::vector<std::pair<Value, Value>> entries,
                        bool trusted) {
  TRY(budget.items(entries.size() * 2 + 1));
  TRY(budget.step(entries.size()));
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, value] : entries) {
    if (!is_hashable(key)) {
      return fail(ErrorKind::malformed, "unhashable type: '{}'", type_name(key));
    }
    dict->depth = std::max({dict->depth, depth_of(key) + 1, depth_of(value) + 1});
  }
  if (dict->depth > kValueDepthMax) {
    return fail(ErrorKind::exhausted, "dicts nest deeper than {}", kValueDepthMax);
  }
  dict->entries = std::move(entries);
  dict->by_key.resize(dict->entries.size());
  for (uint32_t i = 0; i < dict->by_key.size(); ++i) dict->by_key[i] = i;
  std::sort(dict->by_key.begin(), dict->by_key.end(), [&](uint32_t a, uint32_t b) {
    const auto by_key = key_order(dict->entries[a].first, dict->entries[b].first);
    return by_key == 0 ? a < b : by_key < 0;
  });
  merge_equal_keys(*dict);
  return Value{.data = std::shared_ptr<const Dict>(std::move(dict)), .trusted = trusted};
}

Result<Value> dict_items(Budget& budget, const Value& dict, Sequence::Flavour flavour) {
  std::vector<Value> items;
  TRY(budget.items(as_dict(dict)->entries.size()));
  for (const auto& [key, value] : as_dict(dict)->entries) {
    items.push_back(flavour == Sequence::Flavour::keys ? key
                    : flavour == Sequence::Flavour::values
                        ? value
                        : TRY(make_sequence(budget, {key, value}, Sequence::Flavour::tuple)));
  }
  return make_sequence(budget, std::move(items), flavour);
}

Result<Value> make_generator(Budget& budget, std::vector<Value> items,
                             std::optional<Error> failure) {
  Value generator = TRY(make_sequence(budget, std::move(items), Sequence::Flavour::generator));
  as_sequence(generator)->failure = std::move(failure);
  return generator;
}

const Value* Dict::find(const Value& key) const {
  if (key_rank(key) < 0) return nullptr;
  const auto found =
      std::lower_bound(by_key.begin(), by_key.end(), key, [&](uint32_t index, const Value& wanted) {
        return key_order(entries[index].first, wanted) < 0;
      });
  if (found == by_key.end() || key_order(entries[*found].first, key) != 0) return nullptr;
  return &entries[*found].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto found = std::lower_bound(
      by_key.begin(), by_key.end(), key, [&](uint32_t index, std::string_view wanted) {
        const Value& candidate = entries[index].first;
        const Text* text = as_text(candidate);
        return text ? text->bytes() < wanted : key_rank(candidate) < 2;
      });
  if (found == by_key.end()) return nullptr;
  const Text* text = as_text(entries[*found].first);
  return text && text->bytes() == key ? &entries[*found].second : nullptr;
}

std::string type_name(const Value& value) {
  struct Namer {
    std::string operator()(None) const { return "NoneType"; }
    std::string operator()(bool) const { return "bool"; }
    std::string operator()(int64_t) const { return "int"; }
    std::string operator()(double) const { return "float"; }
    std::string operator()(const std::shared_ptr<const Undefined>&) const { return "Undefined"; }
    std::string operator()(const std::shared_ptr<const Text>&) const { return "str"; }
    std::string operator()(const std::shared_ptr<const Dict>&) const { return "dict"; }
    std::string operator()(const std::shared_ptr<Namespace>&) const { return "Namespace"; }
    std::string operator()(const std::shared_ptr<Loop>&) const { return "LoopContext"; }
    std::string operator()(const std::shared_ptr<const Callable>&) const { return "function"; }
    std::string operator()(const std::shared_ptr<Sequence>& sequence) const {
      static constexpr const char* kNames[] = {"list",        "tuple",      "range",    "dict_keys",
                                               "dict_values", "dict_items", "generator"};
      return kNames[static_cast<size_t>(sequence->flavour)];
    }
  };
  return std::visit(Namer{}, value.data);
}

bool truthy(const Value& value) {
  if (is_none(value) || is_undefined(value)) return false;
  if (const auto number = as_number(value)) return *number != 0;
  if (const Text* text = as_text(value)) return !text->empty();
  if (const Dict* dict = as_dict(value)) return !dict->entries.empty();
  if (const Sequence* sequence = as_sequence(value)) {
    return sequence->flavour == Sequence::Flavour::generator || !sequence->items.empty();
  }
  return true;
}

Result<bool> equal(Budget& budget, const Value& left, const Value& right) {
  TRY(budget.step());
  if (const auto a = as_wide(left), b = as_wide(right); a || b) return a && b && *a == *b;
  if (const Text *a = as_text(left), *b = as_text(right); a || b) {
    if (!a || !b || a->size() != b->size()) return false;
    TRY(budget.scan(a->size()));
    return a->bytes() == b->bytes();
  }
  if (left.data.index() != right.data.index()) return false;
  if (is_none(left) || is_undefined(left)) return true;
  if (const Dict* dict = as_dict(left)) {
    return dict == as_dict(right) ? true : equal_dicts(budget, *dict, *as_dict(right));
  }
  if (const Sequence* sequence = as_sequence(left)) {
    if (sequence == as_sequence(right)) return true;
    if (sequence->flavour == Sequence::Flavour::generator) return false;
    return equal_sequences(budget, *sequence, *as_sequence(right));
  }
  return left.data == right.data;
}

Result<bool> less(Budget& budget, const Value& left, const Value& right) {
  TRY(budget.step());
  for (const Value* side : {&left, &right}) {
    if (is_undefined(*side)) return fail(ErrorKind::malformed, "{}", as_undefined(*side)->why);
  }
  if (const auto a = as_wide(left), b = as_wide(right); a && b) return *a < *b;
  if (const Text *a = as_text(left), *b = as_text(right); a && b) {
    TRY(budget.scan(std::min(a->size(), b->size())));
    return a->bytes() < b->bytes();
  }
  const Sequence* a = as_sequence(left);
  const Sequence* b = as_sequence(right);
  if (a && b && a->flavour == b->flavour && a->flavour <= Sequence::Flavour::tuple) {
    for (size_t i = 0; i < std::min(a->items.size(), b->items.size()); ++i) {
      if (TRY(equal(budget, a->items[i], b->items[i]))) continue;
      return less(budget, a->items[i], b->items[i]);
    }
    return a->items.size() < b->items.size();
  }
  return fail(ErrorKind::malformed, "'<' not supported between '{}' and '{}'", type_name(left),
              type_name(right));
}

Result<bool> contains(Budget& budget, const Value& container, const Value& item) {
  if (const Text* text = as_text(container)) {
    const Text* wanted = as_text(item);
    if (!wanted) {
      return fail(ErrorKind::malformed, "'in <string>' requires string as left operand, not {}",
                  type_name(item));
    }
    TRY(budget.scan(text->size()));
    return find_bytes(text->bytes(), wanted->bytes(), 0) != std::string_view::npos;
  }
  if (const Dict* dict = as_dict(container)) {
    TRY(budget.step());
    if (!is_hashable(item)) {
      return fail(ErrorKind::malformed, "unhashable type: '{}'", type_name(item));
    }
    return dict->find(item) != nullptr;
  }
  if (const Sequence* sequence = as_sequence(container);
      sequence && sequence->flavour != Sequence::Flavour::generator) {
    for (const Value& candidate : sequence->items) {
      if (TRY(equal(budget, candidate, item))) return true;
    }
    return false;
  }
  for (const Value& candidate : TRY(items_of(budget, container))) {
    if (TRY(equal(budget, candidate, item))) return true;
  }
  return false;
}

Result<int64_t> length_of(const Value& value) {
  if (is_undefined(value)) return 0;
  if (const Text* text = as_text(value)) {
    return static_cast<int64_t>(Text::count_code_points(text->bytes()));
  }
  if (const Dict* dict = as_dict(value)) return static_cast<int64_t>(dict->entries.size());
  const Sequence* sequence = as_sequence(value);
  if (sequence && sequence->flavour != Sequence::Flavour::generator) {
    return static_cast<int64_t>(sequence->items.size());
  }
  return fail(ErrorKind::malformed, "object of type '{}' has no len()", type_name(value));
}

Result<std::vector<Value>> items_of(Budget& budget, const Value& value) {
  std::vector<Value> items;
  if (is_undefined(value)) return items;
  if (const Text* text = as_text(value)) {
    // Each character becomes a value of its own.
    TRY(budget.items(text->size() * 3));
    text->each_code_point([&](uint32_t, std::string_view bytes, bool trusted) {
      items.push_back(make_text(std::string(bytes), trusted));
    });
    return items;
  }
  if (const Dict* dict = as_dict(value)) {
    TRY(budget.items(dict->entries.size()));
    for (const auto& [key, unused] : dict->entries) items.push_back(key);
    return items;
  }
  Sequence* sequence = as_sequence(value);
  if (!sequence) {
    return fail(ErrorKind::malformed, "'{}' object is not iterable", type_name(value));
  }
  TRY(budget.items(sequence->items.size() - sequence->consumed));
  items.assign(sequence->items.begin() + static_cast<ptrdiff_t>(sequence->consumed),
               sequence->items.end());
  if (sequence->flavour == Sequence::Flavour::generator) {
    sequence->consumed = sequence->items.size();
    if (sequence->failure) return std::unexpected(*sequence->failure);
  }
  return items;
}

}  // namespace sotto::text::jinja
