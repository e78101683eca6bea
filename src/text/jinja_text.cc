// Provenance-keeping text: runs of trusted and untrusted bytes, and the UTF-8 under them.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_text.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "text/utf8.h"

namespace sotto::text::jinja {

Text::Text(std::string bytes, bool trusted) : bytes_(std::move(bytes)) {
  if (!bytes_.empty()) runs_.push_back({bytes_.size(), trusted});
}

void Text::append(std::string_view bytes, bool trusted) {
  if (bytes.empty()) return;
  bytes_.append(bytes);
  if (!runs_.empty() && runs_.back().trusted == trusted) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), trusted});
  }
}

void Text::append(const Text& other, size_t begin, size_t end) {
  CHECK(begin <= end && end <= other.size() && &other != this);
  if (begin == end) return;
  for (size_t run = other.run_at(begin); begin < end; ++run) {
    const size_t stop = std::min(end, other.runs_[run].end);
    append(std::string_view(other.bytes_).substr(begin, stop - begin), other.runs_[run].trusted);
    begin = stop;
  }
}

Text Text::slice(size_t begin, size_t end) const {
  Text out;
  out.append(*this, begin, end);
  return out;
}

size_t Text::run_at(size_t position) const {
  CHECK(position < bytes_.size());
  const auto run =
      std::upper_bound(runs_.begin(), runs_.end(), position,
                       [](size_t wanted, const Run& candidate) { return wanted < candidate.end; });
  return static_cast<size_t>(run - runs_.begin());
}

uint32_t Text::next_code_point(std::string_view bytes, size_t& position) {
  const Utf8Sequence sequence = next_utf8(bytes.substr(position));
  position += sequence.bytes;
  return sequence.code_point;
}

size_t Text::count_code_points(std::string_view bytes) {
  return static_cast<size_t>(std::count_if(bytes.begin(), bytes.end(), [](char byte) {
    return (static_cast<uint8_t>(byte) & 0xc0) != 0x80;
  }));
}

size_t Text::offset_of(std::string_view bytes, size_t code_point_index) {
  size_t position = 0;
  while (position < bytes.size()) {
    if ((static_cast<uint8_t>(bytes[position]) & 0xc0) != 0x80 && code_point_index-- == 0) break;
    ++position;
  }
  return position;
}

size_t find_bytes(std::string_view bytes, std::string_view wanted, size_t from) {
  if (wanted.empty()) return from <= bytes.size() ? from : std::string_view::npos;
  if (from >= bytes.size()) return std::string_view::npos;
  const void* found =
      memmem(bytes.data() + from, bytes.size() - from, wanted.data(), wanted.size());
  if (!found) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

Result<void> TextBuilder::append_code_point(uint32_t code_point, bool trusted) {
  std::string bytes;
  append_utf8(bytes, code_point);
  return append(bytes, trusted);
}

}  // namespace sotto::text::jinja
