// Text of the template interpreter: bytes, each of which knows whether the template spelled it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_budget.h"

namespace sotto::text::jinja {

// Valid UTF-8 (whoever makes one sees to that) and, run by run, its provenance: trusted bytes come
// from the template's source, all others from outside. Runs are never empty, touch, and alternate.
class Text {
 public:
  struct Run {
    size_t end;  // where the run stops; it begins where the one before stops
    bool trusted;
  };

  Text() = default;
  Text(std::string bytes, bool trusted);

  const std::string& bytes() const { return bytes_; }
  const std::vector<Run>& runs() const { return runs_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  // Whether every byte is; an empty text is.
  bool trusted() const { return runs_.empty() || (runs_.size() == 1 && runs_[0].trusted); }

  void append(std::string_view bytes, bool trusted);
  void append(const Text& other) { append(other, 0, other.size()); }
  void append(const Text& other, size_t begin, size_t end);
  Text slice(size_t begin, size_t end) const;

  // Whether the byte at `position` is trusted.
  bool trusted_at(size_t position) const { return runs_[run_at(position)].trusted; }

  // Calls visit(code point, its bytes, trusted) for each code point.
  template <class Visit>
  void each_code_point(Visit&& visit) const {
    size_t position = 0;
    for (const Run& run : runs_) {
      while (position < run.end) {
        const size_t begin = position;
        const uint32_t code_point = next_code_point(bytes_, position);
        visit(code_point, std::string_view(bytes_).substr(begin, position - begin), run.trusted);
      }
    }
  }

  // The code point at `position` of valid UTF-8; moves `position` past it.
  static uint32_t next_code_point(std::string_view bytes, size_t& position);
  static size_t count_code_points(std::string_view bytes);
  // The offset of the code point with this index, or the size when there are fewer.
  static size_t offset_of(std::string_view bytes, size_t code_point_index);

 private:
  size_t run_at(size_t position) const;

  std::string bytes_;
  std::vector<Run> runs_;
};

// Like string_view::find, but in linear time whatever is searched for.
size_t find_bytes(std::string_view bytes, std::string_view wanted, size_t from);

// Grows a text within the budget, for results whose size their inputs do not bound.
class TextBuilder {
 public:
  explicit TextBuilder(Budget& budget) : budget_(budget) {}

  Result<void> append(std::string_view bytes, bool trusted) {
    TRY(budget_.bytes(bytes.size()));
    text_.append(bytes, trusted);
    return {};
  }
  Result<void> append(const Text& other) { return append(other, 0, other.size()); }
  Result<void> append(const Text& other, size_t begin, size_t end) {
    TRY(budget_.bytes(end - begin + other.runs().size()));
    text_.append(other, begin, end);
    return {};
  }
  Result<void> append_code_point(uint32_t code_point, bool trusted);

  Budget& budget() { return budget_; }
  size_t size() const { return text_.size(); }
  Text take() { return std::move(text_); }

 private:
  Budget& budget_;
  Text text_;
};

}  // namespace sotto::text::jinja
