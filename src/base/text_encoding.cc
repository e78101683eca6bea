// Hexadecimal and base64.
// SPDX-License-Identifier: Apache-2.0
#include "base/text_encoding.h"

namespace sotto {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kCommonDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_digit(char c, Base64 alphabet) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == (alphabet == Base64::url ? '-' : '+')) return 62;
  if (c == (alphabet == Base64::url ? '_' : '/')) return 63;
  return -1;
}

char base64_character(uint32_t digit, Base64 alphabet) {
  if (digit < kCommonDigits.size()) return kCommonDigits[digit];
  if (alphabet == Base64::url) return digit == 62 ? '-' : '_';
  return digit == 62 ? '+' : '/';
}

}  // namespace

std::string hex_of(Bytes bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

Result<std::vector<uint8_t>> bytes_of_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return fail(ErrorKind::malformed, "{} hexadecimal digits: an odd number", text.size());
  }
  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) {
      return fail(ErrorKind::malformed, "no hexadecimal digit at or after offset {}", i);
    }
    bytes.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::string base64_of(Bytes bytes, Base64 alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? bytes[i + j] : 0);
    for (size_t j = 0; j <= count; ++j) {
      text += base64_character(group >> (18 - 6 * j) & 63, alphabet);
    }
    if (alphabet == Base64::standard) text.append(3 - count, '=');
  }
  return text;
}

Result<std::vector<uint8_t>> bytes_of_base64(std::string_view text, Base64 alphabet) {
  const size_t written = text.size();
  while (!text.empty() && text.back() == '=' && written - text.size() < 2) text.remove_suffix(1);
  const bool padded = written != text.size();
  if (text.size() % 4 == 1 || (padded && written % 4 != 0)) {
    return fail(ErrorKind::malformed, "{} characters are no base64", written);
  }
  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t group = 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int digit = base64_digit(text[i], alphabet);
    if (digit < 0) return fail(ErrorKind::malformed, "no base64 digit at offset {}", i);
    group = group << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<uint8_t>(group >> bits));
    group &= (uint32_t{1} << bits) - 1;
  }
  if (group != 0) return fail(ErrorKind::malformed, "base64 ends in bits that stand for nothing");
  return bytes;
}

}  // namespace sotto
