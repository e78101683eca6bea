// Expressions of the template language, from loosest to tightest binding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text/jinja_ast.h"
#include "text/jinja_token_stream.h"

namespace sotto::text::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  Result<ExpressionPtr> parse(bool with_condition = true);
  // One expression, or a tuple without its parentheses; ends before `end_name` at the latest.
  Result<ExpressionPtr> parse_tuple(bool with_condition = true, std::string_view end_name = "");
  // `| filter | filter`, applied to `subject` (null: to a block's body).
  Result<ExpressionPtr> parse_filters(ExpressionPtr subject);
  // The same, where the first bar is left out: {% filter upper | trim %}.
  Result<ExpressionPtr> parse_block_filter();

  // Counts the `if`s around: inside one, an unknown filter is an error only when it runs.
  uint32_t conditional_depth = 0;

 private:
  using Parse = Result<ExpressionPtr> (ExpressionParser::*)();

  template <class Node>
  Result<ExpressionPtr> make(uint32_t line, Node node);
  Result<ExpressionPtr> parse_logic(std::string_view word, Parse next);
  Result<ExpressionPtr> parse_or() { return parse_logic("or", &ExpressionParser::parse_and); }
  Result<ExpressionPtr> parse_and() { return parse_logic("and", &ExpressionParser::parse_not); }
  Result<ExpressionPtr> parse_not();
  Result<ExpressionPtr> parse_compare();
  Result<ExpressionPtr> parse_sum();
  Result<ExpressionPtr> parse_concat();
  Result<ExpressionPtr> parse_product();
  Result<ExpressionPtr> parse_power();
  Result<ExpressionPtr> parse_arithmetic(
      std::initializer_list<std::pair<std::string_view, Operator>> operators, Parse next);
  Result<ExpressionPtr> parse_unary() { return parse_unary(true); }
  Result<ExpressionPtr> parse_unary(bool with_filters);
  Result<ExpressionPtr> parse_primary();
  Result<ExpressionPtr> parse_number();
  Result<ExpressionPtr> parse_parentheses();
  Result<ExpressionPtr> parse_list();
  Result<ExpressionPtr> parse_dict();
  Result<ExpressionPtr> parse_postfix(ExpressionPtr expression);
  Result<ExpressionPtr> parse_subscript(ExpressionPtr object);
  Result<ExpressionPtr> parse_filter(ExpressionPtr subject);
  Result<ExpressionPtr> parse_filters_and_tests(ExpressionPtr expression);
  Result<ExpressionPtr> parse_test(ExpressionPtr subject);
  Result<CallArguments> parse_arguments();
  Result<void> parse_argument(CallArguments& arguments);
  Result<std::string> parse_dotted_name(std::string_view what);

  TokenStream& tokens_;
};

}  // namespace sotto::text::jinja
