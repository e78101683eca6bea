// Strict PEM: no text around blocks, no headers, one spelling of the bytes.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include <fmt/format.h>

#include "base/text_encoding.h"
#include "crypto/x509.h"

namespace sotto::crypto {
namespace {

constexpr size_t kLineBytesMax = 76;
constexpr std::string_view kBegin = "-----BEGIN ";

// The next line without its end, which is LF, CR LF or the end of the text.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Result<std::vector<uint8_t>> take_body(std::string_view& text, std::string_view end_line) {
  std::string body;
  bool short_line = false;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line == end_line) return bytes_of_base64(body, Base64::standard);
    if (line.empty() || line.size() > kLineBytesMax || short_line) {
      return fail(ErrorKind::malformed, "a line of {} characters inside a PEM block", line.size());
    }
    // Only the last line may be no multiple of four, and padding ends the text.
    short_line = line.size() % 4 != 0 || line.ends_with('=');
    body += line;
  }
  return fail(ErrorKind::malformed, "a PEM block that does not end in \"{}\"", end_line);
}

}  // namespace

bool looks_like_pem(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t start = text.find_first_not_of("\r\n");
  return start != std::string_view::npos && text.substr(start).starts_with(kBegin);
}

Result<std::vector<std::vector<uint8_t>>> parse_pem(std::string_view pem, std::string_view label,
                                                    size_t count_max) {
  if (pem.size() > kPemBytesMax) {
    return fail(ErrorKind::exhausted, "PEM of {} bytes; at most {}", pem.size(), kPemBytesMax);
  }
  while (pem.ends_with('\0')) pem.remove_suffix(1);
  const std::string begin_line = fmt::format("{}{}-----", kBegin, label);
  const std::string end_line = fmt::format("-----END {}-----", label);
  std::vector<std::vector<uint8_t>> blocks;
  while (true) {
    const size_t start = pem.find_first_not_of("\r\n");
    if (start == std::string_view::npos) break;
    pem.remove_prefix(start);
    if (blocks.size() == count_max) {
      return fail(ErrorKind::exhausted, "more than {} PEM blocks", count_max);
    }
    if (take_line(pem) != begin_line) {
      return fail(ErrorKind::malformed, "PEM block {} does not begin with \"{}\"",
                  blocks.size() + 1, begin_line);
    }
    Result<std::vector<uint8_t>> body = take_body(pem, end_line);
    if (!body) return within(fmt::format("PEM block {}", blocks.size() + 1), body.error());
    blocks.push_back(std::move(*body));
  }
  if (blocks.empty()) return fail(ErrorKind::malformed, "no PEM block");
  return blocks;
}

}  // namespace sotto::crypto
