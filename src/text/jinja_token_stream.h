// Walks over a template's tokens, for the parsers of expressions and of statements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_lexer.h"

namespace sotto::text::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, uint32_t depth_max)
      : tokens_(std::move(tokens)), depth_max_(depth_max) {}

  const Token& current() const { return tokens_[position_]; }
  const Token& look() const { return tokens_[std::min(position_ + 1, tokens_.size() - 1)]; }
  uint32_t line() const { return current().line; }
  uint32_t depth_max() const { return depth_max_; }

  Token take() {
    Token token = tokens_[position_];
    if (position_ + 1 < tokens_.size()) ++position_;
    return token;
  }

  bool at(Token::Kind kind) const { return current().kind == kind; }
  bool at_symbol(std::string_view symbol) const {
    return is(current(), Token::Kind::symbol, symbol);
  }
  bool at_name(std::string_view name) const { return is(current(), Token::Kind::name, name); }
  bool look_symbol(std::string_view symbol) const {
    return is(look(), Token::Kind::symbol, symbol);
  }
  bool look_name(std::string_view name) const { return is(look(), Token::Kind::name, name); }

  bool skip_symbol(std::string_view symbol) { return at_symbol(symbol) && (take(), true); }
  bool skip_name(std::string_view name) { return at_name(name) && (take(), true); }

  // For asking afterwards what names were used between here and there.
  size_t position() const { return position_; }
  bool names_since(size_t position, std::string_view name) const {
    return std::any_of(tokens_.begin() + static_cast<ptrdiff_t>(position),
                       tokens_.begin() + static_cast<ptrdiff_t>(position_),
                       [&](const Token& token) { return is(token, Token::Kind::name, name); });
  }

  Result<void> expect_symbol(std::string_view symbol) {
    if (!skip_symbol(symbol)) return wanted(fmt::format("'{}'", symbol));
    return {};
  }
  Result<Token> expect(Token::Kind kind, std::string_view what) {
    if (!at(kind)) return wanted(what);
    return take();
  }

  std::unexpected<Error> wanted(std::string_view what) const {
    return fail(ErrorKind::malformed, "line {}: expected {}, got {}", line(), what,
                describe(current()));
  }

  // Entered by everything that can contain itself.
  class Nested {
   public:
    explicit Nested(TokenStream& stream) : stream_(stream) { ++stream_.depth_; }
    ~Nested() { --stream_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    TokenStream& stream_;
  };
  Result<void> check_depth(uint32_t depth) const {
    if (depth <= depth_max_) return {};
    return fail(ErrorKind::exhausted, "line {}: the template nests deeper than {}", line(),
                depth_max_);
  }
  Result<void> check_depth() const { return check_depth(depth_); }

 private:
  static bool is(const Token& token, Token::Kind kind, std::string_view text) {
    return token.kind == kind && token.text == text;
  }
  static std::string describe(const Token& token) {
    switch (token.kind) {
      case Token::Kind::text:
        return "text";
      case Token::Kind::tag_begin:
        return "'{%'";
      case Token::Kind::tag_end:
        return "'%}'";
      case Token::Kind::print_begin:
        return "'{{'";
      case Token::Kind::print_end:
        return "'}}'";
      case Token::Kind::string:
        return "a string";
      case Token::Kind::end:
        return "the end of the template";
      default:
        return fmt::format("'{}'", token.text.substr(0, 40));
    }
  }

  std::vector<Token> tokens_;
  size_t position_ = 0;
  uint32_t depth_ = 0;
  const uint32_t depth_max_;
};

}  // namespace sotto::text::jinja
