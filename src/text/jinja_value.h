// The values a template computes with: Python's, as far as templates can see them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja_text.h"

namespace sotto::text::jinja {

struct Undefined;
struct Sequence;
struct Dict;
struct Namespace;
struct Loop;
struct Callable;

struct None {
  bool operator==(const None&) const = default;
};

// Cheap to copy: all but the scalars are shared and, except for namespaces, generators and loops,
// never change once made.
struct Value {
  using Data = std::variant<None, bool, int64_t, double, std::shared_ptr<const Undefined>,
                            std::shared_ptr<const Text>, std::shared_ptr<Sequence>,
                            std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
                            std::shared_ptr<Loop>, std::shared_ptr<const Callable>>;
  Data data;
  // Whether what prints this value (for a container: its brackets and commas) is the template's own
  // word. A text's bytes know for themselves, and so do the items of a container.
  bool trusted = false;
  // Marked `safe`: text added to it is escaped for HTML, as Python's Markup does.
  bool markup = false;
};

// What a name, attribute or item is that is not there; `why` is the error if it is used.
struct Undefined {
  std::string why;
};

// Lists, tuples, and everything else that can be walked through in order.
struct Sequence {
  enum class Flavour { list, tuple, range, keys, values, items, generator };
  Flavour flavour = Flavour::list;
  std::vector<Value> items;
  uint32_t depth = 1;
  bool is_group = false;         // a tuple of groupby: .grouper and .list name its items
  size_t consumed = 0;           // generators are walked through once
  std::optional<Error> failure;  // what a generator raises after its last item
};

// Keeps the order of insertion; look-ups by binary search. Keys are none, booleans, numbers, texts
// and tuples of those, and equal as in Python (1 and 1.0 and true are one key).
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::vector<uint32_t> by_key;
  uint32_t depth = 1;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
};

// The only thing a template can change.
struct Namespace {
  std::map<std::string, Value, std::less<>> attributes;
};

bool is_undefined(const Value& value);
const Undefined* as_undefined(const Value& value);
bool is_none(const Value& value);
const Text* as_text(const Value& value);
Sequence* as_sequence(const Value& value);
const Dict* as_dict(const Value& value);
const Callable* as_callable(const Value& value);
Loop* as_loop(const Value& value);
Namespace* as_namespace(const Value& value);
// Booleans count as integers, and integers as numbers, as in Python.
std::optional<int64_t> as_integer(const Value& value);
std::optional<double> as_number(const Value& value);
bool is_number(const Value& value);

Value make_undefined(std::string why);
Value make_bool(bool value);
Value make_integer(int64_t value, bool trusted);
Value make_float(double value, bool trusted);
// These charge nothing; the caller has.
Value make_text(Text text);
Value make_text(std::string bytes, bool trusted);

// Containers may not nest deeper than this, or walking them would overflow the stack.
inline constexpr uint32_t kValueDepthMax = 64;
uint32_t depth_of(const Value& value);
Result<Value> make_sequence(Budget& budget, std::vector<Value> items, Sequence::Flavour flavour,
                            bool trusted = false);
Result<Value> make_list(Budget& budget, std::vector<Value> items, bool trusted = false);
// Whether the value can be a key.
bool is_hashable(const Value& value);
// Of equal keys the first keeps the place and the last gives the value.
Result<Value> make_dict(Budget& budget, std::vector<std::pair<Value, Value>> entries,
                        bool trusted = false);

// The keys, values or (key, value) tuples of a dict.
Result<Value> dict_items(Budget& budget, const Value& dict, Sequence::Flavour flavour);
// What can be walked through once; `failure` is raised at its end.
Result<Value> make_generator(Budget& budget, std::vector<Value> items,
                             std::optional<Error> failure = std::nullopt);

// Python's name for the type: "str", "dict", …; never anything of the value itself.
std::string type_name(const Value& value);
bool truthy(const Value& value);
Result<bool> equal(Budget& budget, const Value& left, const Value& right);
// left < right; an error where Python has no order.
Result<bool> less(Budget& budget, const Value& left, const Value& right);
Result<bool> contains(Budget& budget, const Value& container, const Value& item);
Result<int64_t> length_of(const Value& value);

// str(value) and repr(value).
Result<Text> to_text(Budget& budget, const Value& value);
Result<void> append_text(TextBuilder& out, const Value& value);
Result<void> append_repr(TextBuilder& out, const Value& value);
std::string float_repr(double value);

// The items that a `for` over the value visits; consumes a generator.
Result<std::vector<Value>> items_of(Budget& budget, const Value& value);

}  // namespace sotto::text::jinja
