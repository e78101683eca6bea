// Strict UTF-8 decoding by the table of well-formed byte sequences [Unicode §3.9, table 3-7].
// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include "base/check.h"

namespace sotto::text {
namespace {

// What may follow a leading byte: how many bytes in all, and the range of the second.
struct Lead {
  uint8_t bytes;  // 0: this byte begins nothing
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

Lead classify(uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};  // shorter forms exist
  if (byte == 0xED) return {3, 0x80, 0x9F};  // surrogates
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};  // beyond U+10FFFF
  return {0};
}

}  // namespace

Utf8Sequence next_utf8(std::string_view text) {
  using State = Utf8Sequence::State;
  CHECK(!text.empty());
  const auto byte_at = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const Lead lead = classify(byte_at(0));
  if (lead.bytes == 0) return {State::invalid, 1, 0};
  if (lead.bytes == 1) return {State::valid, 1, byte_at(0)};
  uint32_t code_point = byte_at(0) & (0xFFu >> (lead.bytes + 1));
  for (uint8_t i = 1; i < lead.bytes; ++i) {
    if (i == text.size()) return {State::unfinished, i, 0};
    const uint8_t byte = byte_at(i);
    const uint8_t min = i == 1 ? lead.second_min : 0x80;
    const uint8_t max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return {State::invalid, i, 0};
    code_point = code_point << 6 | (byte & 0x3Fu);
  }
  return {State::valid, lead.bytes, code_point};
}

void append_utf8(std::string& out, uint32_t code_point) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Sequence next = next_utf8(text.substr(at));
    if (next.state != Utf8Sequence::State::valid) break;
    at += next.bytes;
  }
  return at;
}

std::string make_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t valid = valid_utf8_prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    out.append(kReplacementCharacter);
    text.remove_prefix(next_utf8(text).bytes);
  }
  return out;
}

}  // namespace sotto::text
