// str() and repr() of template values, as Python prints them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "text/jinja_callable.h"
#include "text/jinja_value.h"
#include "text/unicode_table.h"

namespace sotto::text::jinja {

namespace {

// How Python writes a character inside quotes; empty for "as it is".
std::string escape_of(uint32_t code_point, char quote) {
  switch (code_point) {
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (code_point == static_cast<uint8_t>(quote)) return {'\\', quote};
  if (is_printable(code_point)) return "";
  if (code_point <= 0xff) return fmt::format("\\x{:02x}", code_point);
  return code_point <= 0xffff ? fmt::format("\\u{:04x}", code_point)
                              : fmt::format("\\U{:08x}", code_point);
}

Result<void> append_text_repr(TextBuilder& out, const Text& text) {
  const std::string& bytes = text.bytes();
  const char quote = bytes.find('\'') != bytes.npos && bytes.find('"') == bytes.npos ? '"' : '\'';
  const std::string quotes(1, quote);
  TRY(out.append(quotes, text.trusted()));
  Result<void> result;
  text.each_code_point([&](uint32_t code_point, std::string_view raw, bool trusted) {
    if (!result) return;
    const std::string escape = escape_of(code_point, quote);
    result = out.append(escape.empty() ? raw : std::string_view(escape), trusted);
  });
  TRY(std::move(result));
  return out.append(quotes, text.trusted());
}

Result<void> append_items(TextBuilder& out, const std::vector<Value>& items, bool trusted) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i != 0) TRY(out.append(", ", trusted));
    TRY(append_repr(out, items[i]));
  }
  return {};
}

Result<void> append_sequence_repr(TextBuilder& out, const Sequence& sequence, bool trusted) {
  using Flavour = Sequence::Flavour;
  switch (sequence.flavour) {
    case Flavour::generator:
      return fail(ErrorKind::malformed, "a generator cannot be printed; pass it through |list");
    case Flavour::tuple:
      TRY(out.append("(", trusted));
      TRY(append_items(out, sequence.items, trusted));
      return out.append(sequence.items.size() == 1 ? ",)" : ")", trusted);
    case Flavour::range:
      return fail(ErrorKind::unsupported, "a range cannot be printed; pass it through |list");
    case Flavour::list:
      break;
    case Flavour::keys:
      TRY(out.append("dict_keys(", trusted));
      break;
    case Flavour::values:
      TRY(out.append("dict_values(", trusted));
      break;
    case Flavour::items:
      TRY(out.append("dict_items(", trusted));
      break;
  }
  TRY(out.append("[", trusted));
  TRY(append_items(out, sequence.items, trusted));
  return out.append(sequence.flavour == Flavour::list ? "]" : "])", trusted);
}

Result<void> append_dict_repr(TextBuilder& out, const Dict& dict, bool trusted) {
  TRY(out.append("{", trusted));
  bool first = true;
  for (const auto& [key, value] : dict.entries) {
    if (!first) TRY(out.append(", ", trusted));
    first = false;
    TRY(append_repr(out, key));
    TRY(out.append(": ", trusted));
    TRY(append_repr(out, value));
  }
  return out.append("}", trusted);
}

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto written =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  CHECK(written.ec == std::errc());
  const std::string_view scientific(buffer, static_cast<size_t>(written.ptr - buffer));
  const size_t e = scientific.find('e');
  int exponent = 0;
  const char* digits_of_exponent = scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, scientific.data() + scientific.size(), exponent);
  std::string sign;
  std::string digits;
  for (const char c : scientific.substr(0, e)) {
    if (c == '-') sign = "-";
    if (c >= '0' && c <= '9') digits += c;
  }
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    if (count > 1) digits.insert(1, ".");
    return fmt::format("{}{}e{}{:02}", sign, digits, exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) {
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  }
  if (count <= exponent + 1) {
    return sign + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  }
  digits.insert(static_cast<size_t>(exponent + 1), ".");
  return sign + digits;
}

Result<void> append_text(TextBuilder& out, const Value& value) {
  if (const Text* text = as_text(value)) return out.append(*text);
  if (is_undefined(value)) return {};
  return append_repr(out, value);
}

Result<void> append_repr(TextBuilder& out, const Value& value) {
  TRY(out.budget().step());
  if (is_none(value)) return out.append("None", value.trusted);
  if (const auto* truth = std::get_if<bool>(&value.data)) {
    return out.append(*truth ? "True" : "False", value.trusted);
  }
  if (const auto* integer = std::get_if<int64_t>(&value.data)) {
    return out.append(fmt::format("{}", *integer), value.trusted);
  }
  if (const auto* number = std::get_if<double>(&value.data)) {
    return out.append(float_repr(*number), value.trusted);
  }
  if (is_undefined(value)) return out.append("Undefined", value.trusted);
  if (const Text* text = as_text(value)) {
    if (!value.markup) return append_text_repr(out, *text);
    TRY(out.append("Markup(", text->trusted()));
    TRY(append_text_repr(out, *text));
    return out.append(")", text->trusted());
  }
  if (const Dict* dict = as_dict(value)) return append_dict_repr(out, *dict, value.trusted);
  if (const Sequence* sequence = as_sequence(value)) {
    return append_sequence_repr(out, *sequence, value.trusted);
  }
  // Python prints addresses or internals here: nothing a template can mean.
  return fail(ErrorKind::unsupported, "a {} cannot be printed", type_name(value));
}

Result<Text> to_text(Budget& budget, const Value& value) {
  TextBuilder out(budget);
  TRY(append_text(out, value));
  return out.take();
}

}  // namespace sotto::text::jinja
