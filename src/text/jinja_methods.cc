// Methods of template values, as Python has them.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_methods.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_format.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_strings.h"
#include "text/unicode_table.h"

namespace sotto::text::jinja {

namespace {

using MethodBody = Result<Value> (*)(Interpreter&, const Value&, const Arguments&);
struct Entry {
  std::string_view name;
  MethodBody body;  // null: Python has it, we do not
};

// The text's own mark carries over to what its methods make of it.
Value like(const Value& self, Text text) {
  Value made = make_text(std::move(text));
  made.markup = self.markup;
  return made;
}

Result<Value> list_of(Interpreter& interpreter, const Value& self, std::vector<Text> parts) {
  std::vector<Value> items;
  for (Text& part : parts) items.push_back(like(self, std::move(part)));
  return make_list(interpreter.budget(), std::move(items));
}

template <Side side>
Result<Value> strip_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("strip", given, {"chars"}));
  const Text* chars = TRY(bound.optional_text(0));
  return like(self, TRY(strip(interpreter.budget(), *as_text(self), chars, side)));
}

template <bool from_right>
Result<Value> split_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("split", given, {"sep", "maxsplit"}));
  const Text* separator = TRY(bound.optional_text(0));
  const int64_t count = TRY(bound.integer(1, -1));
  return list_of(interpreter, self,
                 TRY(split(interpreter.budget(), *as_text(self), separator, count, from_right)));
}

Result<Value> splitlines(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("splitlines", given, {"keepends"}));
  return list_of(interpreter, self,
                 TRY(split_lines(interpreter.budget(), *as_text(self), bound.flag(0))));
}

template <bool from_right>
Result<Value> partition(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("partition", given, {"sep"}, 1));
  const Text& text = *as_text(self);
  const Text& separator = *TRY(bound.text(0));
  if (separator.empty()) return fail(ErrorKind::malformed, "empty separator");
  TRY(interpreter.budget().bytes(text.size()));
  const size_t at = TRY(find(interpreter.budget(), text, separator, 0, text.size(), from_right));
  std::vector<Value> parts(3, like(self, Text()));
  if (at == std::string_view::npos) {
    parts[from_right ? 2 : 0] = self;
  } else {
    const size_t after = at + separator.size();
    parts[0] = like(self, text.slice(0, at));
    parts[1] = like(self, text.slice(at, after));
    parts[2] = like(self, text.slice(after, text.size()));
  }
  return make_sequence(interpreter.budget(), std::move(parts), Sequence::Flavour::tuple);
}

// Bytes that belong to Python's optional start and end arguments; begin > end when outside.
Result<std::pair<size_t, size_t>> text_range(Budget& budget, const Text& text, const Bound& bound,
                                             size_t first_index) {
  TRY(budget.scan(text.size()));
  const auto length = static_cast<int64_t>(Text::count_code_points(text.bytes()));
  const auto place = [&](size_t index, int64_t fallback) -> Result<int64_t> {
    const Value* value = bound.get(index);
    if (!value || is_none(*value)) return fallback;
    const int64_t given = TRY(bound.integer(index, 0));
    return given < 0 ? std::max<int64_t>(0, given < -length ? 0 : given + length)
                     : std::min(given, length + 1);
  };
  const int64_t begin = TRY(place(first_index, 0));
  const int64_t end = std::min(TRY(place(first_index + 1, length)), length);
  if (begin > end) return std::pair<size_t, size_t>(1, 0);
  return std::pair(Text::offset_of(text.bytes(), static_cast<size_t>(begin)),
                   Text::offset_of(text.bytes(), static_cast<size_t>(end)));
}

template <bool at_end>
Result<Value> affix_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound =
      TRY(bind(at_end ? "endswith" : "startswith", given, {"x", "start", "end"}, 1));
  const Text& text = *as_text(self);
  const auto [begin, end] = TRY(text_range(interpreter.budget(), text, bound, 1));
  if (begin > end) return make_bool(false);
  const std::string_view bytes = std::string_view(text.bytes()).substr(begin, end - begin);
  const Sequence* choices = as_sequence(*bound.get(0));
  if (!choices || choices->flavour != Sequence::Flavour::tuple) {
    const std::string& affix = TRY(bound.text(0))->bytes();
    return make_bool(at_end ? bytes.ends_with(affix) : bytes.starts_with(affix));
  }
  for (const Value& choice : choices->items) {
    TRY(interpreter.budget().step());
    const Text* affix = as_text(choice);
    if (!affix) return fail(ErrorKind::malformed, "tuple for startswith must only contain str");
    if (at_end ? bytes.ends_with(affix->bytes()) : bytes.starts_with(affix->bytes())) {
      return make_bool(true);
    }
  }
  return make_bool(false);
}

template <bool at_end>
Result<Value> remove_affix(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("removeprefix", given, {"x"}, 1));
  const Text& text = *as_text(self);
  const std::string& affix = TRY(bound.text(0))->bytes();
  TRY(interpreter.budget().bytes(text.size()));
  if (at_end && text.bytes().ends_with(affix)) {
    return like(self, text.slice(0, text.size() - affix.size()));
  }
  if (!at_end && text.bytes().starts_with(affix)) {
    return like(self, text.slice(affix.size(), text.size()));
  }
  return self;
}

Result<Value> replace_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("replace", given, {"old", "new", "count"}, 2));
  const Text* old = TRY(bound.text(0));
  const Text* replacement = TRY(bound.text(1));
  const int64_t count = TRY(bound.integer(2, -1));
  return like(self, TRY(replace(interpreter.budget(), *as_text(self), *old, *replacement, count)));
}

template <Result<Text> (*change)(Budget&, const Text&)>
Result<Value> case_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  TRY(bind("case", given, {}));
  return like(self, TRY(change(interpreter.budget(), *as_text(self))));
}

Result<Text> title_of(Budget& budget, const Text& text) {
  return title(budget, text, false);
}

template <bool last, bool must>
Result<Value> find_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("find", given, {"sub", "start", "end"}, 1));
  const Text& text = *as_text(self);
  const Text* wanted = TRY(bound.text(0));
  const auto [begin, end] = TRY(text_range(interpreter.budget(), text, bound, 1));
  const size_t at = TRY(find(interpreter.budget(), text, *wanted, begin, end, last));
  if (at == std::string_view::npos) {
    if (must) return fail(ErrorKind::malformed, "substring not found");
    return make_integer(-1, false);
  }
  const std::string_view before = std::string_view(text.bytes()).substr(0, at);
  return make_integer(static_cast<int64_t>(Text::count_code_points(before)), false);
}

Result<Value> count_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("count", given, {"sub", "start", "end"}, 1));
  const Text& text = *as_text(self);
  const Text* wanted = TRY(bound.text(0));
  const auto [begin, end] = TRY(text_range(interpreter.budget(), text, bound, 1));
  if (begin > end) return make_integer(0, false);
  TRY(interpreter.budget().bytes(end - begin));
  return make_integer(TRY(count(interpreter.budget(), text.slice(begin, end), *wanted)), false);
}

Result<Value> join_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("join", given, {"iterable"}, 1));
  TextBuilder out(interpreter.budget());
  bool first = true;
  for (const Value& item : TRY(items_of(interpreter.budget(), *bound.get(0)))) {
    const Text* text = as_text(item);
    if (!text) {
      return fail(ErrorKind::malformed, "join(): expected str instance, {} found", type_name(item));
    }
    if (!std::exchange(first, false)) TRY(out.append(*as_text(self)));
    TRY(interpreter.budget().step());
    TRY(out.append(*text));
  }
  return like(self, out.take());
}

Result<Value> format_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  return format_braces(interpreter, *as_text(self), given);
}

template <Side text_side>
Result<Value> pad_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("center", given, {"width", "fillchar"}, 1));
  const Text space(" ", true);
  const Text* fill = bound.get(1) ? TRY(bound.text(1)) : &space;
  if (Text::count_code_points(fill->bytes()) != 1) {
    return fail(ErrorKind::malformed, "the fill character must be one character");
  }
  const int64_t width = TRY(bound.integer(0, 0));
  return like(self, TRY(pad(interpreter.budget(), *as_text(self), width, *fill, text_side)));
}

Result<Value> zfill(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("zfill", given, {"width"}, 1));
  const Text& text = *as_text(self);
  const bool has_sign = text.bytes().starts_with('-') || text.bytes().starts_with('+');
  const size_t sign_bytes = has_sign ? 1 : 0;
  const int64_t width = TRY(bound.integer(0, 0));
  TRY(interpreter.budget().bytes(text.size()));
  const Text digits = text.slice(sign_bytes, text.size());
  Text out = text.slice(0, sign_bytes);
  out.append(TRY(pad(interpreter.budget(), digits, width - (width > 0 && has_sign ? 1 : 0),
                     Text("0", true), Side::right)));
  return like(self, std::move(out));
}

bool is_cased(uint32_t c) {
  return is_uppercase(c) || is_lowercase(c);
}
bool is_alphanumeric(uint32_t c) {
  return is_alphabetic(c) || is_digit(c) || is_numeric(c);
}
bool is_ascii(uint32_t c) {
  return c < 0x80;
}

// Whether the text is not empty and all of its code points are of a class.
template <bool (*test)(uint32_t)>
Result<Value> class_method(Interpreter& interpreter, const Value& self, const Arguments& given) {
  TRY(bind("isalpha", given, {}));
  const Text& text = *as_text(self);
  TRY(interpreter.budget().scan(text.size()));
  bool all = !text.empty();
  text.each_code_point([&](uint32_t c, std::string_view, bool) { all = all && test(c); });
  return make_bool(all);
}

// Whether there are letters with case, and all of them have this one.
template <bool (*test)(uint32_t)>
Result<Value> letter_case_method(Interpreter& interpreter, const Value& self,
                                 const Arguments& given) {
  TRY(bind("isupper", given, {}));
  const Text& text = *as_text(self);
  TRY(interpreter.budget().scan(text.size()));
  bool any = false;
  bool all = true;
  text.each_code_point([&](uint32_t c, std::string_view, bool) {
    any = any || test(c);
    all = all && (test(c) || !is_cased(c));
  });
  return make_bool(any && all);
}

constexpr Entry kTextMethods[] = {
    {"capitalize", case_method<capitalize>},
    {"casefold", nullptr},
    {"center", pad_method<Side::both>},
    {"count", count_method},
    {"encode", nullptr},
    {"endswith", affix_method<true>},
    {"expandtabs", nullptr},
    {"find", find_method<false, false>},
    {"format", format_method},
    {"format_map", nullptr},
    {"index", find_method<false, true>},
    {"isalnum", class_method<is_alphanumeric>},
    {"isalpha", class_method<is_alphabetic>},
    {"isascii", class_method<is_ascii>},
    {"isdecimal", nullptr},
    {"isdigit", class_method<is_digit>},
    {"isidentifier", nullptr},
    {"islower", letter_case_method<is_lowercase>},
    {"isnumeric", class_method<is_numeric>},
    {"isprintable", nullptr},
    {"isspace", class_method<is_space>},
    {"istitle", nullptr},
    {"isupper", letter_case_method<is_uppercase>},
    {"join", join_method},
    {"ljust", pad_method<Side::left>},
    {"lower", case_method<lower>},
    {"lstrip", strip_method<Side::left>},
    {"maketrans", nullptr},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace_method},
    {"rfind", find_method<true, false>},
    {"rindex", find_method<true, true>},
    {"rjust", pad_method<Side::right>},
    {"rpartition", partition<true>},
    {"rsplit", split_method<true>},
    {"rstrip", strip_method<Side::right>},
    {"split", split_method<false>},
    {"splitlines", splitlines},
    {"startswith", affix_method<false>},
    {"strip", strip_method<Side::both>},
    {"swapcase", case_method<swap_case>},
    {"title", case_method<title_of>},
    {"translate", nullptr},
    {"upper", case_method<upper>},
    {"zfill", zfill},
};

Result<Value> sequence_index(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("index", given, {"value"}, 1));
  const auto& items = as_sequence(self)->items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (TRY(equal(interpreter.budget(), items[i], *bound.get(0)))) {
      return make_integer(static_cast<int64_t>(i), false);
    }
  }
  return fail(ErrorKind::malformed, "index(): the value is not in the list");
}

Result<Value> sequence_count(Interpreter& interpreter, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("count", given, {"value"}, 1));
  int64_t found = 0;
  for (const Value& item : as_sequence(self)->items) {
    if (TRY(equal(interpreter.budget(), item, *bound.get(0)))) ++found;
  }
  return make_integer(found, false);
}

Result<Value> copy(Interpreter&, const Value& self, const Arguments& given) {
  TRY(bind("copy", given, {}));
  return self;  // nothing can change either of them
}

constexpr Entry kSequenceMethods[] = {
    {"index", sequence_index}, {"count", sequence_count}, {"copy", copy}};

template <Sequence::Flavour flavour>
Result<Value> dict_view(Interpreter& interpreter, const Value& self, const Arguments& given) {
  TRY(bind("items", given, {}));
  return dict_items(interpreter.budget(), self, flavour);
}

Result<Value> dict_get(Interpreter&, const Value& self, const Arguments& given) {
  const Bound bound = TRY(bind("get", given, {"key", "default"}, 1));
  if (const Value* value = as_dict(self)->find(*bound.get(0))) return *value;
  return bound.get(1) ? *bound.get(1) : Value{};
}

constexpr Entry kDictMethods[] = {
    {"copy", copy},
    {"fromkeys", nullptr},
    {"get", dict_get},
    {"items", dict_view<Sequence::Flavour::items>},
    {"keys", dict_view<Sequence::Flavour::keys>},
    {"values", dict_view<Sequence::Flavour::values>},
};

Result<Value> is_whole(Interpreter&, const Value& self, const Arguments& given) {
  TRY(bind("is_integer", given, {}));
  const double number = *as_number(self);
  return make_bool(std::isfinite(number) && std::floor(number) == number);
}

constexpr Entry kFloatMethods[] = {
    {"is_integer", is_whole}, {"as_integer_ratio", nullptr}, {"hex", nullptr}};

constexpr std::string_view kListChanges[] = {"append", "clear",  "extend",  "insert",
                                             "pop",    "remove", "reverse", "sort"};
constexpr std::string_view kDictChanges[] = {"clear", "pop", "popitem", "setdefault", "update"};

template <size_t n>
bool is_among(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

template <size_t n>
const Entry* find_in(const Entry (&entries)[n], std::string_view name) {
  const auto* found = std::find_if(std::begin(entries), std::end(entries),
                                   [&](const Entry& entry) { return entry.name == name; });
  return found == std::end(entries) ? nullptr : found;
}

const Entry* find_entry(const Value& self, std::string_view name) {
  if (as_text(self)) return find_in(kTextMethods, name);
  if (as_dict(self)) return find_in(kDictMethods, name);
  if (std::holds_alternative<double>(self.data)) return find_in(kFloatMethods, name);
  const Sequence* sequence = as_sequence(self);
  if (!sequence || sequence->flavour > Sequence::Flavour::range) return nullptr;
  if (name == "copy" && sequence->flavour != Sequence::Flavour::list) return nullptr;
  return find_in(kSequenceMethods, name);
}

}  // namespace

MethodStatus method_status(const Value& self, std::string_view name) {
  if (name.starts_with("__")) return MethodStatus::unsafe;
  const Sequence* sequence = as_sequence(self);
  const bool is_list = sequence && sequence->flavour == Sequence::Flavour::list;
  if (is_list && is_among(kListChanges, name)) return MethodStatus::unsafe;
  if (as_dict(self) && is_among(kDictChanges, name)) return MethodStatus::unsafe;
  return find_entry(self, name) ? MethodStatus::usable : MethodStatus::absent;
}

Result<Value> call_method(Interpreter& interpreter, const Value& self, std::string_view name,
                          const Arguments& arguments) {
  const Entry* entry = find_entry(self, name);
  if (!entry || !entry->body) {
    return fail(ErrorKind::unsupported, "no method '{}' of {}", name, type_name(self));
  }
  return entry->body(interpreter, self, arguments);
}

}  // namespace sotto::text::jinja
