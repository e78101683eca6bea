// Writing values as JSON, byte for byte as Python does.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_json.h"

#include <algorithm>
#include <cmath>

namespace sotto::text::jinja {

namespace {

class Writer {
 public:
  Writer(Budget& budget, const JsonStyle& style) : out_(budget), style_(style) {}

  Result<void> write(const Value& value) {
    TRY(out_.budget().step());
    if (const Text* text = as_text(value)) return write_text(*text);
    if (const Dict* dict = as_dict(value))
      return write_dict(*dict, value.trusted && style_.trusted);
    const Sequence* sequence = as_sequence(value);
    if (sequence && sequence->flavour <= Sequence::Flavour::tuple) {
      return write_list(*sequence, value.trusted && style_.trusted);
    }
    const std::optional<std::string> scalar = scalar_json(value);
    if (scalar) return out_.append(*scalar, value.trusted);
    return fail(ErrorKind::malformed, "Object of type {} is not JSON serializable",
                type_name(value));
  }

  Text take() { return out_.take(); }

 private:
  static std::optional<std::string> scalar_json(const Value& value) {
    if (is_none(value)) return "null";
    if (const auto* truth = std::get_if<bool>(&value.data)) return *truth ? "true" : "false";
    if (const auto integer = as_integer(value)) return fmt::format("{}", *integer);
    const auto* number = std::get_if<double>(&value.data);
    if (!number) return std::nullopt;
    if (std::isnan(*number)) return "NaN";
    if (std::isinf(*number)) return *number < 0 ? "-Infinity" : "Infinity";
    return float_repr(*number);
  }

  // Empty: as it is.
  std::string escape_of(uint32_t code_point) const {
    switch (code_point) {
      case '"':
        return "\\\"";
      case '\\':
        return "\\\\";
      case '\n':
        return "\\n";
      case '\r':
        return "\\r";
      case '\t':
        return "\\t";
      case '\f':
        return "\\f";
      case '\b':
        return "\\b";
      default:
        break;
    }
    if (code_point < 0x20) return fmt::format("\\u{:04x}", code_point);
    if (!style_.ascii_only || code_point < 0x7f) return "";
    if (code_point <= 0xffff) return fmt::format("\\u{:04x}", code_point);
    const uint32_t offset = code_point - 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
  }

  Result<void> write_text(const Text& text) {
    TRY(out_.append("\"", text.trusted()));
    Result<void> result;
    text.each_code_point([&](uint32_t code_point, std::string_view raw, bool trusted) {
      if (!result) return;
      const std::string escape = escape_of(code_point);
      result = out_.append(escape.empty() ? raw : std::string_view(escape), trusted);
    });
    TRY(std::move(result));
    return out_.append("\"", text.trusted());
  }

  Result<void> new_line(bool trusted) {
    if (!style_.indent) return {};
    TRY(out_.append("\n", trusted));
    for (uint32_t i = 0; i < level_; ++i) TRY(out_.append(*style_.indent, trusted));
    return {};
  }

  // Between two items. Python leaves out the space where a line ends.
  Result<void> separate(bool first, bool trusted) {
    if (!first) TRY(out_.append(style_.item_separator, trusted));
    return new_line(trusted);
  }

  Result<void> write_list(const Sequence& list, bool trusted) {
    if (list.items.empty()) return out_.append("[]", trusted);
    TRY(out_.append("[", trusted));
    ++level_;
    for (size_t i = 0; i < list.items.size(); ++i) {
      TRY(separate(i == 0, trusted));
      TRY(write(list.items[i]));
    }
    --level_;
    TRY(new_line(trusted));
    return out_.append("]", trusted);
  }

  Result<void> write_key(const Value& key) {
    if (const Text* text = as_text(key)) return write_text(*text);
    const std::optional<std::string> scalar = scalar_json(key);
    if (!scalar) {
      return fail(ErrorKind::malformed, "keys must be str, int, float, bool or None, not {}",
                  type_name(key));
    }
    return write_text(Text(*scalar, key.trusted));
  }

  Result<void> write_dict(const Dict& dict, bool trusted) {
    if (dict.entries.empty()) return out_.append("{}", trusted);
    TRY(out_.append("{", trusted));
    ++level_;
    // by_key is in the order of the keys; Python has none between keys of different types.
    for (size_t i = 0; i < dict.entries.size(); ++i) {
      const auto& [key, value] = dict.entries[style_.sort_keys ? dict.by_key[i] : i];
      TRY(separate(i == 0, trusted));
      TRY(write_key(key));
      TRY(out_.append(style_.key_separator, trusted));
      TRY(write(value));
    }
    --level_;
    TRY(new_line(trusted));
    return out_.append("}", trusted);
  }

  TextBuilder out_;
  const JsonStyle& style_;
  uint32_t level_ = 0;
};

}  // namespace

Result<Text> to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  Writer writer(budget, style);
  TRY(writer.write(value));
  return writer.take();
}

}  // namespace sotto::text::jinja
