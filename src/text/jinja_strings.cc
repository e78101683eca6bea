// String operations that keep provenance byte by byte.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_strings.h"

#include <algorithm>

#include "text/unicode_table.h"

namespace sotto::text::jinja {

namespace {

// Whether code points are to be stripped; a sorted set, so that long lists stay cheap.
class CharacterSet {
 public:
  explicit CharacterSet(const Text* chars) : is_space_(!chars) {
    if (!chars) return;
    chars->each_code_point([&](uint32_t c, std::string_view, bool) { set_.push_back(c); });
    std::sort(set_.begin(), set_.end());
  }
  bool has(uint32_t code_point) const {
    return is_space_ ? is_space(code_point)
                     : std::binary_search(set_.begin(), set_.end(), code_point);
  }

 private:
  bool is_space_;
  std::vector<uint32_t> set_;
};

// The offset of the code point that ends at `end`.
size_t previous(std::string_view bytes, size_t end) {
  do --end;
  while ((static_cast<uint8_t>(bytes[end]) & 0xc0) == 0x80);
  return end;
}

uint32_t code_point_at(std::string_view bytes, size_t position) {
  return Text::next_code_point(bytes, position);
}

Result<void> append_mapped(TextBuilder& out, const CaseMapping& mapping, bool trusted) {
  for (const uint32_t code_point : mapping) {
    if (code_point != 0) TRY(out.append_code_point(code_point, trusted));
  }
  return {};
}

// Maps every code point by map(code point, index of it).
template <class Map>
Result<Text> map_case(Budget& budget, const Text& text, Map map) {
  TextBuilder out(budget);
  Result<void> result;
  text.each_code_point([&](uint32_t code_point, std::string_view, bool trusted) {
    const CaseMapping mapping = map(code_point);
    if (result) result = append_mapped(out, mapping, trusted);
  });
  TRY(std::move(result));
  return out.take();
}

Result<std::vector<Text>> split_at_space(Budget& budget, const Text& text, int64_t count,
                                         bool from_right) {
  const std::string& bytes = text.bytes();
  std::vector<Text> parts;
  size_t begin = 0;
  size_t end = bytes.size();
  const auto skip_spaces = [&] {
    while (begin < end) {
      const size_t at = from_right ? previous(bytes, end) : begin;
      size_t after = at;
      if (!is_space(Text::next_code_point(bytes, after))) break;
      (from_right ? end : begin) = from_right ? at : after;
    }
  };
  const auto word_end = [&] {
    size_t at = from_right ? end : begin;
    while (from_right ? at > begin : at < end) {
      size_t next = from_right ? previous(bytes, at) : at;
      const size_t place = next;
      if (is_space(from_right ? code_point_at(bytes, place) : Text::next_code_point(bytes, next))) {
        break;
      }
      at = next;
    }
    return at;
  };
  for (skip_spaces(); begin < end; skip_spaces()) {
    TRY(budget.items(2));
    if (count >= 0 && static_cast<int64_t>(parts.size()) == count) {
      // The rest as it is, but for the white space at its outer end.
      const Text rest = text.slice(begin, end);
      parts.push_back(TRY(strip(budget, rest, nullptr, from_right ? Side::right : Side::left)));
      break;
    }
    const size_t border = word_end();
    parts.push_back(from_right ? text.slice(border, end) : text.slice(begin, border));
    (from_right ? end : begin) = border;
  }
  return parts;
}

}  // namespace

Result<Text> strip(Budget& budget, const Text& text, const Text* chars, Side side) {
  TRY(budget.bytes(text.size() + (chars ? chars->size() : 0)));
  const CharacterSet stripped(chars);
  const std::string& bytes = text.bytes();
  size_t begin = 0;
  size_t end = bytes.size();
  while (side != Side::right && begin < end) {
    size_t next = begin;
    if (!stripped.has(Text::next_code_point(bytes, next))) break;
    begin = next;
  }
  while (side != Side::left && end > begin) {
    const size_t last = previous(bytes, end);
    if (!stripped.has(code_point_at(bytes, last))) break;
    end = last;
  }
  return text.slice(begin, end);
}

Result<std::vector<Text>> split(Budget& budget, const Text& text, const Text* separator,
                                int64_t count, bool from_right) {
  TRY(budget.bytes(text.size()));
  std::vector<Text> parts;
  if (!separator) {
    parts = TRY(split_at_space(budget, text, count, from_right));
    if (from_right) std::reverse(parts.begin(), parts.end());
    return parts;
  }
  if (separator->empty()) return fail(ErrorKind::malformed, "empty separator");
  // Where to cut. From the right, occurrences are found from the right, too: in "aaa" at "aa" that
  // is another place.
  std::vector<size_t> cuts;
  const std::string_view bytes = text.bytes();
  const auto wanted = [&] { return count < 0 || static_cast<int64_t>(cuts.size()) < count; };
  if (from_right) {
    std::string backwards(bytes.rbegin(), bytes.rend());
    const std::string wanted_backwards(separator->bytes().rbegin(), separator->bytes().rend());
    for (size_t at = 0; wanted(); at += wanted_backwards.size()) {
      at = find_bytes(backwards, wanted_backwards, at);
      if (at == bytes.npos) break;
      TRY(budget.items(2));
      cuts.push_back(bytes.size() - at - wanted_backwards.size());
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    for (size_t at = 0; wanted(); at += separator->size()) {
      at = find_bytes(bytes, separator->bytes(), at);
      if (at == bytes.npos) break;
      TRY(budget.items(2));
      cuts.push_back(at);
    }
  }
  size_t begin = 0;
  for (const size_t cut : cuts) {
    parts.push_back(text.slice(begin, cut));
    begin = cut + separator->size();
  }
  parts.push_back(text.slice(begin, text.size()));
  return parts;
}

Result<std::vector<Text>> split_lines(Budget& budget, const Text& text, bool keep_ends) {
  TRY(budget.bytes(text.size()));
  const std::string& bytes = text.bytes();
  std::vector<Text> lines;
  size_t begin = 0;
  for (size_t position = 0; position < bytes.size();) {
    const size_t line_end = position;
    const uint32_t c = Text::next_code_point(bytes, position);
    const bool is_break = (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 ||
                          c == 0x2028 || c == 0x2029;
    if (!is_break) continue;
    if (c == '\r' && position < bytes.size() && bytes[position] == '\n') ++position;
    TRY(budget.items(2));
    lines.push_back(text.slice(begin, keep_ends ? position : line_end));
    begin = position;
  }
  if (begin < bytes.size()) lines.push_back(text.slice(begin, bytes.size()));
  return lines;
}

Result<Text> replace(Budget& budget, const Text& text, const Text& old, const Text& replacement,
                     int64_t count) {
  TRY(budget.scan(text.size()));
  const std::string& bytes = text.bytes();
  TextBuilder out(budget);
  size_t done = 0;
  for (size_t from = 0; count != 0; --count) {
    size_t at = 0;
    if (old.empty()) {
      // Before every code point, and at the end.
      if (from > bytes.size()) break;
      at = from;
      if (from < bytes.size()) {
        Text::next_code_point(bytes, from);
      } else {
        ++from;
      }
    } else {
      at = find_bytes(bytes, old.bytes(), from);
      if (at == std::string_view::npos) break;
      from = at + old.size();
    }
    TRY(budget.step());
    TRY(out.append(text, done, at));
    TRY(out.append(replacement));
    done = at + old.size();
  }
  TRY(out.append(text, done, text.size()));
  return out.take();
}

Result<Text> upper(Budget& budget, const Text& text) {
  return map_case(budget, text, to_upper);
}

Result<Text> lower(Budget& budget, const Text& text) {
  // A sigma that ends a word has a form of its own; which it is shows only afterwards.
  std::vector<uint32_t> points;
  TRY(budget.bytes(text.size() * sizeof(uint32_t)));
  text.each_code_point([&](uint32_t c, std::string_view, bool) { points.push_back(c); });
  const auto is_cased = [&](size_t i) {
    return i < points.size() && (is_uppercase(points[i]) || is_lowercase(points[i]));
  };
  size_t index = 0;
  return map_case(budget, text, [&](uint32_t code_point) -> CaseMapping {
    const size_t i = index++;
    if (code_point == 0x3a3 && i > 0 && is_cased(i - 1) && !is_cased(i + 1)) return {0x3c2, 0, 0};
    return to_lower(code_point);
  });
}

Result<Text> swap_case(Budget& budget, const Text& text) {
  return map_case(budget, text, [](uint32_t code_point) {
    return is_uppercase(code_point) ? to_lower(code_point) : to_upper(code_point);
  });
}

Result<Text> capitalize(Budget& budget, const Text& text) {
  bool first = true;
  return map_case(budget, text, [&](uint32_t code_point) {
    return std::exchange(first, false) ? to_title(code_point) : to_lower(code_point);
  });
}

Result<Text> title(Budget& budget, const Text& text, bool as_filter) {
  bool begins = true;
  return map_case(budget, text, [&](uint32_t code_point) {
    const bool is_break = as_filter
                              ? is_space(code_point) || code_point == '-' || code_point == '(' ||
                                    code_point == '{' || code_point == '[' || code_point == '<'
                              : !is_uppercase(code_point) && !is_lowercase(code_point);
    const bool begin = std::exchange(begins, is_break);
    return !begin ? to_lower(code_point) : as_filter ? to_upper(code_point) : to_title(code_point);
  });
}

Result<size_t> find(Budget& budget, const Text& text, const Text& wanted, size_t begin, size_t end,
                    bool last) {
  if (begin > end) return std::string_view::npos;
  TRY(budget.scan(end - begin + wanted.size()));
  const std::string_view bytes = std::string_view(text.bytes()).substr(0, end);
  if (!last) return find_bytes(bytes, wanted.bytes(), begin);
  if (wanted.empty()) return end;
  // Backwards by searching the mirror image, in linear time.
  TRY(budget.bytes(end - begin + wanted.size()));
  const std::string mirror(bytes.rbegin(), bytes.rend() - static_cast<ptrdiff_t>(begin));
  const std::string mirrored(wanted.bytes().rbegin(), wanted.bytes().rend());
  const size_t at = find_bytes(mirror, mirrored, 0);
  return at == std::string_view::npos ? at : end - at - wanted.size();
}

Result<int64_t> count(Budget& budget, const Text& text, const Text& wanted) {
  TRY(budget.scan(text.size()));
  if (wanted.empty()) return static_cast<int64_t>(Text::count_code_points(text.bytes())) + 1;
  int64_t found = 0;
  for (size_t at = 0;; at += wanted.size(), ++found) {
    at = find_bytes(text.bytes(), wanted.bytes(), at);
    if (at == std::string_view::npos) return found;
  }
}

Result<Text> pad(Budget& budget, const Text& text, int64_t width, const Text& fill,
                 Side text_side) {
  const auto length = static_cast<int64_t>(Text::count_code_points(text.bytes()));
  const int64_t missing = std::max<int64_t>(0, width - length);
  // How Python centres: the odd one goes to the left when the width is odd.
  const int64_t half = missing / 2 + (missing & width & 1);
  const int64_t before = text_side == Side::left ? 0 : text_side == Side::right ? missing : half;
  TRY(budget.step(static_cast<uint64_t>(missing) / 4));
  TextBuilder out(budget);
  for (int64_t i = 0; i < before; ++i) TRY(out.append(fill));
  TRY(out.append(text));
  for (int64_t i = before; i < missing; ++i) TRY(out.append(fill));
  return out.take();
}

}  // namespace sotto::text::jinja
