// Finding where a member's value begins and ends.
// SPDX-License-Identifier: Apache-2.0
#include "attest/signed_json.h"

#include <optional>

namespace sotto::attest {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

class Scanner {
 public:
  explicit Scanner(std::string_view json) : json_(json) {}

  size_t at() const { return at_; }
  std::string_view since(size_t start) const { return json_.substr(start, at_ - start); }

  void skip_spaces() {
    at_ = json_.find_first_not_of(kSpaces, at_);
    if (at_ == std::string_view::npos) at_ = json_.size();
  }
  bool at_end() const { return at_ >= json_.size(); }
  bool next_is(char c) const { return !at_end() && json_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  // What stands between the quotes.
  Result<std::string_view> take_string() {
    if (!take('"')) return refuse("a string");
    const size_t start = at_;
    while (!at_end() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    if (at_ >= json_.size()) return refuse("the end of a string");
    ++at_;
    return json_.substr(start, at_ - 1 - start);
  }

  // Over one value. Only strings and brackets are understood; whoever parses the value checks the rest.
  Result<void> skip_value() {
    uint32_t depth = 0;
    const size_t start = at_;
    do {
      if (at_end()) return refuse("a value's end");
      const char c = json_[at_];
      if (c == '"') {
        if (Result<std::string_view> text = take_string(); !text) {
          return std::unexpected(text.error());
        }
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (depth > kJsonDepthMax) return refuse("a value that is less deep");
    } while (depth != 0 || !ends_here(start));
    if (at_ == start) return refuse("a value");
    return {};
  }

  std::unexpected<Error> refuse(std::string_view wanted) const {
    return fail(ErrorKind::malformed, "JSON at offset {}: {} is missing",
                std::min(at_, json_.size()), wanted);
  }

 private:
  // A bracket or a string ends by itself; a number or a word where something else begins.
  bool ends_here(size_t start) const {
    const char first = json_[start];
    if (first == '{' || first == '[' || first == '"') return true;
    return at_end() || kSpaces.find(json_[at_]) != std::string_view::npos;
  }

  std::string_view json_;
  size_t at_ = 0;
};

}  // namespace

Result<std::string_view> raw_member(std::string_view json, std::string_view member) {
  if (json.size() > kJsonBytesMax) {
    return fail(ErrorKind::exhausted, "JSON of {} bytes; at most {}", json.size(), kJsonBytesMax);
  }
  Scanner scanner(json);
  std::optional<std::string_view> found;
  scanner.skip_spaces();
  if (!scanner.take('{')) return scanner.refuse("an object");
  scanner.skip_spaces();
  bool more = !scanner.take('}');
  while (more) {
    const std::string_view name = TRY(scanner.take_string());
    scanner.skip_spaces();
    if (!scanner.take(':')) return scanner.refuse("\":\"");
    scanner.skip_spaces();
    const size_t start = scanner.at();
    TRY(scanner.skip_value());
    if (name == member) {
      if (found) return fail(ErrorKind::malformed, "member {} is there twice", member);
      found = scanner.since(start);
    }
    scanner.skip_spaces();
    more = scanner.take(',');
    scanner.skip_spaces();
    if (!more && !scanner.take('}')) return scanner.refuse("\"}\"");
  }
  scanner.skip_spaces();
  if (!scanner.at_end()) return scanner.refuse("the end after the object");
  if (!found) return fail(ErrorKind::malformed, "member {} is missing", member);
  return *found;
}

}  // namespace sotto::attest
