// Recursive descent over the expressions of a template.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_expression_parser.h"

#include <algorithm>
#include <charconv>

#include "text/jinja_filters.h"
#include "text/jinja_tests.h"

namespace sotto::text::jinja {

namespace {

using Kind = Token::Kind;

uint32_t depth_of_child(const ExpressionPtr& child) {
  return child ? child->depth : 0;
}

uint32_t depth_of_children(const CallArguments& arguments) {
  uint32_t depth =
      std::max(depth_of_child(arguments.more_positional), depth_of_child(arguments.more_keyword));
  for (const auto& child : arguments.positional) depth = std::max(depth, child->depth);
  for (const auto& [name, child] : arguments.keyword) depth = std::max(depth, child->depth);
  return depth;
}

template <class Pairs>
uint32_t depth_of_chain(const ExpressionPtr& first, const Pairs& rest) {
  uint32_t depth = first->depth;
  for (const auto& [op, operand] : rest) depth = std::max(depth, operand->depth);
  return depth;
}

uint32_t depth_of_all(const std::vector<ExpressionPtr>& children) {
  uint32_t depth = 0;
  for (const auto& child : children) depth = std::max(depth, child->depth);
  return depth;
}

struct DepthOfChildren {
  uint32_t operator()(const ConstantExpression&) const { return 0; }
  uint32_t operator()(const NameExpression&) const { return 0; }
  uint32_t operator()(const AttributeExpression& e) const { return depth_of_child(e.object); }
  uint32_t operator()(const ItemExpression& e) const {
    return std::max(e.object->depth, e.index->depth);
  }
  uint32_t operator()(const SliceExpression& e) const {
    return std::max(
        {e.object->depth, depth_of_child(e.start), depth_of_child(e.stop), depth_of_child(e.step)});
  }
  uint32_t operator()(const CallExpression& e) const {
    return std::max(e.callee->depth, depth_of_children(e.arguments));
  }
  uint32_t operator()(const FilterExpression& e) const {
    return std::max(depth_of_child(e.subject), depth_of_children(e.arguments));
  }
  uint32_t operator()(const TestExpression& e) const {
    return std::max(e.subject->depth, depth_of_children(e.arguments));
  }
  uint32_t operator()(const NotExpression& e) const { return e.operand->depth; }
  uint32_t operator()(const SignExpression& e) const { return e.operand->depth; }
  uint32_t operator()(const ArithmeticExpression& e) const {
    return depth_of_chain(e.first, e.rest);
  }
  uint32_t operator()(const ConcatExpression& e) const { return depth_of_all(e.parts); }
  uint32_t operator()(const CompareExpression& e) const { return depth_of_chain(e.first, e.rest); }
  uint32_t operator()(const LogicExpression& e) const { return depth_of_all(e.operands); }
  uint32_t operator()(const ConditionalExpression& e) const {
    return std::max({e.condition->depth, e.chosen->depth, depth_of_child(e.otherwise)});
  }
  uint32_t operator()(const SequenceExpression& e) const { return depth_of_all(e.items); }
  uint32_t operator()(const DictExpression& e) const {
    uint32_t depth = 0;
    for (const auto& [key, value] : e.entries) depth = std::max({depth, key->depth, value->depth});
    return depth;
  }
};

}  // namespace

template <class Node>
Result<ExpressionPtr> ExpressionParser::make(uint32_t line, Node node) {
  const uint32_t depth = 1 + DepthOfChildren{}(node);
  TRY(tokens_.check_depth(depth));
  return std::make_unique<Expression>(Expression{line, depth, std::move(node)});
}

Result<ExpressionPtr> ExpressionParser::parse(bool with_condition) {
  const TokenStream::Nested nested(tokens_);
  TRY(tokens_.check_depth());
  const uint32_t line = tokens_.line();
  ExpressionPtr expression = TRY(parse_or());
  while (with_condition && tokens_.skip_name("if")) {
    ++conditional_depth;
    ConditionalExpression node{TRY(parse_or()), std::move(expression), nullptr};
    if (tokens_.skip_name("else")) node.otherwise = TRY(parse());
    --conditional_depth;
    expression = TRY(make(line, std::move(node)));
  }
  return expression;
}

Result<ExpressionPtr> ExpressionParser::parse_tuple(bool with_condition,
                                                    std::string_view end_name) {
  const uint32_t line = tokens_.line();
  SequenceExpression tuple{Sequence::Flavour::tuple, {}};
  bool is_tuple = false;
  while (true) {
    const bool at_end = tokens_.at(Kind::print_end) || tokens_.at(Kind::tag_end) ||
                        tokens_.at_symbol(")") || (!end_name.empty() && tokens_.at_name(end_name));
    if (at_end && is_tuple) break;
    if (at_end) return tokens_.wanted("an expression");
    tuple.items.push_back(TRY(parse(with_condition)));
    if (!tokens_.skip_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) return std::move(tuple.items[0]);
  return make(line, std::move(tuple));
}

Result<ExpressionPtr> ExpressionParser::parse_logic(std::string_view word, Parse next) {
  const uint32_t line = tokens_.line();
  ExpressionPtr first = TRY((this->*next)());
  if (!tokens_.at_name(word)) return first;
  LogicExpression node{word == "or", {}};
  node.operands.push_back(std::move(first));
  while (tokens_.skip_name(word)) node.operands.push_back(TRY((this->*next)()));
  return make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::parse_not() {
  const TokenStream::Nested nested(tokens_);
  TRY(tokens_.check_depth());
  const uint32_t line = tokens_.line();
  if (!tokens_.skip_name("not")) return parse_compare();
  return make(line, NotExpression{TRY(parse_not())});
}

Result<ExpressionPtr> ExpressionParser::parse_compare() {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"==", Operator::equal},      {"!=", Operator::not_equal}, {"<", Operator::less},
      {"<=", Operator::less_equal}, {">", Operator::greater},    {">=", Operator::greater_equal},
  };
  const uint32_t line = tokens_.line();
  CompareExpression node{TRY(parse_sum()), {}};
  while (true) {
    const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                     [&](const auto& op) { return tokens_.at_symbol(op.first); });
    if (found != std::end(kOperators)) {
      tokens_.take();
      node.rest.emplace_back(found->second, TRY(parse_sum()));
    } else if (tokens_.skip_name("in")) {
      node.rest.emplace_back(Operator::in, TRY(parse_sum()));
    } else if (tokens_.at_name("not") && tokens_.look_name("in")) {
      tokens_.take();
      tokens_.take();
      node.rest.emplace_back(Operator::not_in, TRY(parse_sum()));
    } else {
      break;
    }
  }
  if (node.rest.empty()) return std::move(node.first);
  return make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::parse_arithmetic(
    std::initializer_list<std::pair<std::string_view, Operator>> operators, Parse next) {
  const uint32_t line = tokens_.line();
  ArithmeticExpression node{TRY((this->*next)()), {}};
  while (true) {
    const auto* found = std::find_if(operators.begin(), operators.end(),
                                     [&](const auto& op) { return tokens_.at_symbol(op.first); });
    if (found == operators.end()) break;
    tokens_.take();
    node.rest.emplace_back(found->second, TRY((this->*next)()));
  }
  if (node.rest.empty()) return std::move(node.first);
  return make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::parse_sum() {
  return parse_arithmetic({{"+", Operator::add}, {"-", Operator::subtract}},
                          &ExpressionParser::parse_concat);
}

Result<ExpressionPtr> ExpressionParser::parse_concat() {
  const uint32_t line = tokens_.line();
  ConcatExpression node;
  node.parts.push_back(TRY(parse_product()));
  while (tokens_.skip_symbol("~")) node.parts.push_back(TRY(parse_product()));
  if (node.parts.size() == 1) return std::move(node.parts[0]);
  return make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::parse_product() {
  return parse_arithmetic({{"*", Operator::multiply},
                           {"/", Operator::divide},
                           {"//", Operator::floor_divide},
                           {"%", Operator::modulo}},
                          &ExpressionParser::parse_power);
}

// From the left, unlike Python's: Jinja2 has it so.
Result<ExpressionPtr> ExpressionParser::parse_power() {
  return parse_arithmetic({{"**", Operator::power}}, &ExpressionParser::parse_unary);
}

Result<ExpressionPtr> ExpressionParser::parse_unary(bool with_filters) {
  const TokenStream::Nested nested(tokens_);
  TRY(tokens_.check_depth());
  const uint32_t line = tokens_.line();
  ExpressionPtr expression;
  if (tokens_.at_symbol("-") || tokens_.at_symbol("+")) {
    const bool negative = tokens_.take().text == "-";
    expression = TRY(make(line, SignExpression{negative, TRY(parse_unary(false))}));
  } else {
    expression = TRY(parse_primary());
  }
  expression = TRY(parse_postfix(std::move(expression)));
  return with_filters ? parse_filters_and_tests(std::move(expression)) : std::move(expression);
}

Result<ExpressionPtr> ExpressionParser::parse_primary() {
  const uint32_t line = tokens_.line();
  const auto constant = [&](Value value) {
    return make(line, ConstantExpression{std::move(value)});
  };
  if (tokens_.at(Kind::name)) {
    const std::string name = tokens_.take().text;
    if (name == "true" || name == "True") return constant({.data = true, .trusted = true});
    if (name == "false" || name == "False") return constant({.data = false, .trusted = true});
    if (name == "none" || name == "None") return constant({.data = None{}, .trusted = true});
    return make(line, NameExpression{name});
  }
  if (tokens_.at(Kind::string)) {
    std::string text;
    while (tokens_.at(Kind::string)) text += tokens_.take().text;
    return constant(make_text(std::move(text), true));
  }
  if (tokens_.at(Kind::integer) || tokens_.at(Kind::real)) return parse_number();
  if (tokens_.at_symbol("(")) return parse_parentheses();
  if (tokens_.at_symbol("[")) return parse_list();
  if (tokens_.at_symbol("{")) return parse_dict();
  return tokens_.wanted("an expression");
}

Result<ExpressionPtr> ExpressionParser::parse_number() {
  const Token token = tokens_.take();
  const auto bad = [&](std::string_view why) {
    return fail(ErrorKind::malformed, "line {}: {} number '{}'", token.line, why,
                token.text.substr(0, 40));
  };
  std::string_view digits = token.text;
  if (token.kind == Kind::real) {
    double value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return bad("bad");
    return make(token.line, ConstantExpression{make_float(value, true)});
  }
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    base = digits[1] == 'x' || digits[1] == 'X'   ? 16
           : digits[1] == 'o' || digits[1] == 'O' ? 8
           : digits[1] == 'b' || digits[1] == 'B' ? 2
                                                  : 10;
    if (base != 10) digits.remove_prefix(2);
    if (base == 10 && digits.find_first_not_of('0') != digits.npos) return bad("bad");
  }
  int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (read.ec == std::errc::result_out_of_range) return bad("too large a");
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return bad("bad");
  return make(token.line, ConstantExpression{make_integer(value, true)});
}

Result<ExpressionPtr> ExpressionParser::parse_parentheses() {
  const uint32_t line = tokens_.line();
  TRY(tokens_.expect_symbol("("));
  if (tokens_.skip_symbol(")")) return make(line, SequenceExpression{Sequence::Flavour::tuple, {}});
  ExpressionPtr expression = TRY(parse_tuple());
  TRY(tokens_.expect_symbol(")"));
  return expression;
}

Result<ExpressionPtr> ExpressionParser::parse_list() {
  const uint32_t line = tokens_.line();
  TRY(tokens_.expect_symbol("["));
  SequenceExpression list{Sequence::Flavour::list, {}};
  while (!tokens_.at_symbol("]")) {
    list.items.push_back(TRY(parse()));
    if (!tokens_.skip_symbol(",")) break;
  }
  TRY(tokens_.expect_symbol("]"));
  return make(line, std::move(list));
}

Result<ExpressionPtr> ExpressionParser::parse_dict() {
  const uint32_t line = tokens_.line();
  TRY(tokens_.expect_symbol("{"));
  DictExpression dict;
  while (!tokens_.at_symbol("}")) {
    ExpressionPtr key = TRY(parse());
    TRY(tokens_.expect_symbol(":"));
    dict.entries.emplace_back(std::move(key), TRY(parse()));
    if (!tokens_.skip_symbol(",")) break;
  }
  TRY(tokens_.expect_symbol("}"));
  return make(line, std::move(dict));
}

Result<ExpressionPtr> ExpressionParser::parse_postfix(ExpressionPtr expression) {
  while (true) {
    const uint32_t line = tokens_.line();
    if (tokens_.skip_symbol(".")) {
      if (tokens_.at(Kind::integer)) {
        ExpressionPtr index = TRY(parse_number());
        expression = TRY(make(line, ItemExpression{std::move(expression), std::move(index)}));
      } else {
        std::string name = TRY(tokens_.expect(Kind::name, "a name or number")).text;
        expression = TRY(make(line, AttributeExpression{std::move(expression), std::move(name)}));
      }
    } else if (tokens_.at_symbol("[")) {
      expression = TRY(parse_subscript(std::move(expression)));
    } else if (tokens_.at_symbol("(")) {
      CallArguments arguments = TRY(parse_arguments());
      expression = TRY(make(line, CallExpression{std::move(expression), std::move(arguments)}));
    } else {
      return expression;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::parse_subscript(ExpressionPtr object) {
  const uint32_t line = tokens_.line();
  TRY(tokens_.expect_symbol("["));
  ExpressionPtr bounds[3];
  size_t colons = 0;
  while (!tokens_.at_symbol("]")) {
    if (tokens_.at_symbol(":") && colons < 2) {
      tokens_.take();
      ++colons;
    } else if (!bounds[colons]) {
      bounds[colons] = TRY(parse());
    } else {
      return tokens_.wanted("']'");
    }
  }
  TRY(tokens_.expect_symbol("]"));
  if (colons == 0) {
    if (!bounds[0]) return tokens_.wanted("an index");
    return make(line, ItemExpression{std::move(object), std::move(bounds[0])});
  }
  return make(line, SliceExpression{std::move(object), std::move(bounds[0]), std::move(bounds[1]),
                                    std::move(bounds[2])});
}

Result<CallArguments> ExpressionParser::parse_arguments() {
  TRY(tokens_.expect_symbol("("));
  CallArguments arguments;
  while (!tokens_.at_symbol(")")) {
    TRY(parse_argument(arguments));
    if (!tokens_.skip_symbol(",")) break;
  }
  TRY(tokens_.expect_symbol(")"));
  return arguments;
}

Result<void> ExpressionParser::parse_argument(CallArguments& arguments) {
  const bool is_starred = tokens_.at_symbol("*") || tokens_.at_symbol("**");
  const bool is_keyword = tokens_.at(Kind::name) && tokens_.look_symbol("=");
  const bool after_all = arguments.more_keyword || (arguments.more_positional && !is_keyword);
  if (after_all && !tokens_.at_symbol("**")) return tokens_.wanted("')'");
  if (is_starred) {
    ExpressionPtr& slot =
        tokens_.take().text == "*" ? arguments.more_positional : arguments.more_keyword;
    if (slot) return tokens_.wanted("')'");
    slot = TRY(parse());
  } else if (is_keyword) {
    std::string name = tokens_.take().text;
    tokens_.take();
    for (const auto& [taken, value] : arguments.keyword) {
      if (taken == name) {
        return fail(ErrorKind::malformed, "line {}: keyword argument repeated: {}", tokens_.line(),
                    name);
      }
    }
    arguments.keyword.emplace_back(std::move(name), TRY(parse()));
  } else {
    if (!arguments.keyword.empty()) return tokens_.wanted("a keyword argument");
    arguments.positional.push_back(TRY(parse()));
  }
  return {};
}

Result<std::string> ExpressionParser::parse_dotted_name(std::string_view what) {
  std::string name = TRY(tokens_.expect(Kind::name, what)).text;
  while (tokens_.skip_symbol(".")) name += "." + TRY(tokens_.expect(Kind::name, what)).text;
  return name;
}

Result<ExpressionPtr> ExpressionParser::parse_filter(ExpressionPtr subject) {
  const uint32_t line = tokens_.line();
  FilterExpression node{std::move(subject), TRY(parse_dotted_name("a filter's name")), {}};
  if (conditional_depth == 0 && !find_filter(node.name)) {
    return fail(ErrorKind::unsupported, "line {}: no filter named '{}'", line, node.name);
  }
  if (tokens_.at_symbol("(")) node.arguments = TRY(parse_arguments());
  return make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::parse_filters(ExpressionPtr subject) {
  while (tokens_.skip_symbol("|")) subject = TRY(parse_filter(std::move(subject)));
  return subject;
}

Result<ExpressionPtr> ExpressionParser::parse_block_filter() {
  return parse_filters(TRY(parse_filter(nullptr)));
}

Result<ExpressionPtr> ExpressionParser::parse_filters_and_tests(ExpressionPtr expression) {
  while (true) {
    if (tokens_.at_symbol("|")) {
      expression = TRY(parse_filters(std::move(expression)));
    } else if (tokens_.at_name("is")) {
      expression = TRY(parse_test(std::move(expression)));
    } else if (tokens_.at_symbol("(")) {
      const uint32_t line = tokens_.line();
      CallArguments arguments = TRY(parse_arguments());
      expression = TRY(make(line, CallExpression{std::move(expression), std::move(arguments)}));
    } else {
      return expression;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::parse_test(ExpressionPtr subject) {
  const uint32_t line = tokens_.line();
  tokens_.take();
  const bool negated = tokens_.skip_name("not");
  TestExpression node{std::move(subject), TRY(parse_dotted_name("a test's name")), {}};
  if (conditional_depth == 0 && !find_test(node.name)) {
    return fail(ErrorKind::unsupported, "line {}: no test named '{}'", line, node.name);
  }
  const bool ends = tokens_.at_name("else") || tokens_.at_name("or") || tokens_.at_name("and") ||
                    tokens_.at_name("if") || tokens_.at_name("in") || tokens_.at_name("not");
  if (tokens_.at_symbol("(")) {
    node.arguments = TRY(parse_arguments());
  } else if (tokens_.at_name("is")) {
    return fail(ErrorKind::malformed, "line {}: tests cannot be chained with 'is'", line);
  } else if (!ends &&
             (tokens_.at(Kind::name) || tokens_.at(Kind::string) || tokens_.at(Kind::integer) ||
              tokens_.at(Kind::real) || tokens_.at_symbol("[") || tokens_.at_symbol("{"))) {
    ExpressionPtr argument = TRY(parse_primary());
    node.arguments.positional.push_back(TRY(parse_postfix(std::move(argument))));
  }
  ExpressionPtr test = TRY(make(line, std::move(node)));
  return negated ? make(line, NotExpression{std::move(test)}) : std::move(test);
}

}  // namespace sotto::text::jinja
