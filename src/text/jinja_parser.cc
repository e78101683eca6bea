// Statements of a template: text, tags, and what stands between a tag and its end.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_parser.h"

#include <algorithm>

#include "text/jinja_expression_parser.h"
#include "text/jinja_token_stream.h"

namespace sotto::text::jinja {

namespace {

using Kind = Token::Kind;
using EndNames = std::initializer_list<std::string_view>;

constexpr size_t kParametersMax = 64;

class Parser {
 public:
  Parser(std::vector<Token> tokens, uint32_t depth_max)
      : tokens_(std::move(tokens), depth_max), expressions_(tokens_) {}

  Result<Body> parse() {
    Body body = TRY(parse_until({}));
    return body;
  }

 private:
  // Statements up to a tag with one of these names, which is left as the current token; up to the
  // end of the template if there are none.
  Result<Body> parse_until(EndNames ends);
  // After a tag's last token: its "%}", statements, and the name of the tag that ends them.
  Result<Body> parse_body(std::string_view end);
  Result<Statement> parse_statement();
  Result<Statement> parse_set();
  Result<Statement> parse_if();
  Result<Statement> parse_for();
  Result<Statement> parse_macro();
  Result<Statement> parse_call();
  Result<Statement> parse_filter();
  Result<Statement> parse_with();
  Result<Statement> parse_generation();
  Result<Statement> parse_jump();
  Result<Target> parse_target(bool with_namespace);
  Result<Target> parse_single_target();
  Result<Parameters> parse_parameters();
  Result<MacroStatement> parse_macro_body(std::string name, std::string_view end);

  TokenStream tokens_;
  ExpressionParser expressions_;
  uint32_t loop_depth_ = 0;
};

Result<Body> Parser::parse_until(EndNames ends) {
  const TokenStream::Nested nested(tokens_);
  TRY(tokens_.check_depth());
  Body body;
  while (!tokens_.at(Kind::end)) {
    const uint32_t line = tokens_.line();
    if (tokens_.at(Kind::text)) {
      body.push_back({line, TextStatement{Text(tokens_.take().text, true)}});
    } else if (tokens_.at(Kind::print_begin)) {
      tokens_.take();
      body.push_back({line, PrintStatement{TRY(expressions_.parse_tuple())}});
      TRY(tokens_.expect(Kind::print_end, "'}}'"));
    } else {
      TRY(tokens_.expect(Kind::tag_begin, "a tag"));
      if (std::any_of(ends.begin(), ends.end(),
                      [&](std::string_view name) { return tokens_.at_name(name); })) {
        return body;
      }
      body.push_back(TRY(parse_statement()));
      TRY(tokens_.expect(Kind::tag_end, "'%}'"));
    }
  }
  if (ends.size() != 0) {
    return fail(ErrorKind::malformed, "line {}: the template ends before '{}'", tokens_.line(),
                *(ends.end() - 1));
  }
  return body;
}

Result<Body> Parser::parse_body(std::string_view end) {
  TRY(tokens_.expect(Kind::tag_end, "'%}'"));
  Body body = TRY(parse_until({end}));
  tokens_.take();
  return body;
}

Result<Statement> Parser::parse_statement() {
  static constexpr std::pair<std::string_view, Result<Statement> (Parser::*)()> kTags[] = {
      {"set", &Parser::parse_set},    {"if", &Parser::parse_if},
      {"for", &Parser::parse_for},    {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call},  {"filter", &Parser::parse_filter},
      {"with", &Parser::parse_with},  {"generation", &Parser::parse_generation},
      {"break", &Parser::parse_jump}, {"continue", &Parser::parse_jump},
  };
  static constexpr std::string_view kEnds[] = {"endif",    "elif",   "else",         "endfor",
                                               "endmacro", "endset", "endcall",      "endfilter",
                                               "endwith",  "endraw", "endgeneration"};
  if (!tokens_.at(Kind::name)) return tokens_.wanted("a tag's name");
  const std::string& name = tokens_.current().text;
  for (const auto& [tag, parse] : kTags) {
    if (name == tag) return (this->*parse)();
  }
  if (std::find(std::begin(kEnds), std::end(kEnds), name) != std::end(kEnds)) {
    return fail(ErrorKind::malformed, "line {}: '{}' without its beginning", tokens_.line(), name);
  }
  return fail(ErrorKind::unsupported, "line {}: no tag named '{}'", tokens_.line(),
              name.substr(0, 40));
}

Result<Target> Parser::parse_single_target() {
  if (tokens_.skip_symbol("(")) {
    Target target = TRY(parse_target(false));
    TRY(tokens_.expect_symbol(")"));
    return target;
  }
  const uint32_t line = tokens_.line();
  std::string name = TRY(tokens_.expect(Kind::name, "a name to assign to")).text;
  static constexpr std::string_view kConstants[] = {"true", "false", "none",
                                                    "True", "False", "None"};
  if (std::find(std::begin(kConstants), std::end(kConstants), name) != std::end(kConstants)) {
    return fail(ErrorKind::malformed, "line {}: cannot assign to '{}'", line, name);
  }
  return Target{std::move(name), "", {}};
}

Result<Target> Parser::parse_target(bool with_namespace) {
  const TokenStream::Nested nested(tokens_);
  TRY(tokens_.check_depth());
  if (with_namespace && tokens_.at(Kind::name) && tokens_.look_symbol(".")) {
    std::string name = tokens_.take().text;
    tokens_.take();
    std::string attribute = TRY(tokens_.expect(Kind::name, "an attribute's name")).text;
    return Target{std::move(name), std::move(attribute), {}};
  }
  Target first = TRY(parse_single_target());
  if (!tokens_.at_symbol(",")) return first;
  Target all;
  all.targets.push_back(std::move(first));
  while (tokens_.skip_symbol(",")) {
    if (!tokens_.at(Kind::name) && !tokens_.at_symbol("(")) break;
    if (tokens_.at_name("in")) break;
    all.targets.push_back(TRY(parse_single_target()));
  }
  return all;
}

Result<Statement> Parser::parse_set() {
  const uint32_t line = tokens_.take().line;
  Target target = TRY(parse_target(true));
  if (tokens_.skip_symbol("=")) {
    return Statement{line, SetStatement{std::move(target), TRY(expressions_.parse_tuple())}};
  }
  ExpressionPtr filter = TRY(expressions_.parse_filters(nullptr));
  Body body = TRY(parse_body("endset"));
  return Statement{line, SetBlockStatement{std::move(target), std::move(filter), std::move(body)}};
}

Result<Statement> Parser::parse_if() {
  const uint32_t line = tokens_.take().line;
  IfStatement node;
  ++expressions_.conditional_depth;
  bool has_else = false;
  while (true) {
    IfStatement::Branch branch;
    if (!has_else) branch.condition = TRY(expressions_.parse_tuple(false));
    TRY(tokens_.expect(Kind::tag_end, "'%}'"));
    branch.body =
        has_else ? TRY(parse_until({"endif"})) : TRY(parse_until({"elif", "else", "endif"}));
    node.branches.push_back(std::move(branch));
    const std::string end = tokens_.take().text;
    if (end == "endif") break;
    has_else = end == "else";
  }
  --expressions_.conditional_depth;
  return Statement{line, std::move(node)};
}

Result<Statement> Parser::parse_for() {
  const uint32_t line = tokens_.take().line;
  ForStatement node;
  node.target = TRY(parse_target(false));
  if (!tokens_.skip_name("in")) return tokens_.wanted("'in'");
  node.items = TRY(expressions_.parse_tuple(false, "recursive"));
  if (tokens_.skip_name("if")) node.condition = TRY(expressions_.parse());
  node.recursive = tokens_.skip_name("recursive");
  TRY(tokens_.expect(Kind::tag_end, "'%}'"));
  ++loop_depth_;
  node.body = TRY(parse_until({"else", "endfor"}));
  --loop_depth_;
  if (tokens_.take().text == "else") node.otherwise = TRY(parse_body("endfor"));
  return Statement{line, std::move(node)};
}

Result<Parameters> Parser::parse_parameters() {
  Parameters parameters;
  TRY(tokens_.expect_symbol("("));
  while (!tokens_.at_symbol(")")) {
    std::string name = TRY(tokens_.expect(Kind::name, "a parameter's name")).text;
    if (std::find(parameters.names.begin(), parameters.names.end(), name) !=
        parameters.names.end()) {
      return fail(ErrorKind::malformed, "line {}: duplicate parameter '{}'", tokens_.line(), name);
    }
    if (parameters.names.size() >= kParametersMax) {
      return fail(ErrorKind::exhausted, "line {}: more than {} parameters", tokens_.line(),
                  kParametersMax);
    }
    parameters.names.push_back(std::move(name));
    if (tokens_.skip_symbol("=")) {
      parameters.defaults.push_back(TRY(expressions_.parse()));
    } else if (!parameters.defaults.empty()) {
      return tokens_.wanted("a default value");
    }
    if (!tokens_.skip_symbol(",")) break;
  }
  TRY(tokens_.expect_symbol(")"));
  return parameters;
}

Result<MacroStatement> Parser::parse_macro_body(std::string name, std::string_view end) {
  MacroStatement macro;
  macro.name = std::move(name);
  const size_t begin = tokens_.position();
  const uint32_t loop_depth = std::exchange(loop_depth_, 0);
  macro.body = TRY(parse_body(end));
  loop_depth_ = loop_depth;
  macro.takes_caller = tokens_.names_since(begin, "caller");
  macro.takes_varargs = tokens_.names_since(begin, "varargs");
  macro.takes_kwargs = tokens_.names_since(begin, "kwargs");
  return macro;
}

Result<Statement> Parser::parse_macro() {
  const uint32_t line = tokens_.take().line;
  std::string name = TRY(tokens_.expect(Kind::name, "a macro's name")).text;
  Parameters parameters = TRY(parse_parameters());
  MacroStatement macro = TRY(parse_macro_body(std::move(name), "endmacro"));
  macro.parameters = std::move(parameters);
  return Statement{line, std::move(macro)};
}

Result<Statement> Parser::parse_call() {
  const uint32_t line = tokens_.take().line;
  Parameters parameters;
  if (tokens_.at_symbol("(")) parameters = TRY(parse_parameters());
  ExpressionPtr call = TRY(expressions_.parse());
  if (!std::holds_alternative<CallExpression>(call->node)) {
    return fail(ErrorKind::malformed, "line {}: expected a call", line);
  }
  MacroStatement caller = TRY(parse_macro_body("caller", "endcall"));
  caller.parameters = std::move(parameters);
  return Statement{line, CallStatement{std::move(call), std::move(caller)}};
}

Result<Statement> Parser::parse_filter() {
  const uint32_t line = tokens_.take().line;
  ExpressionPtr filter = TRY(expressions_.parse_block_filter());
  return Statement{line, FilterStatement{std::move(filter), TRY(parse_body("endfilter"))}};
}

Result<Statement> Parser::parse_with() {
  const uint32_t line = tokens_.take().line;
  WithStatement node;
  while (!tokens_.at(Kind::tag_end)) {
    if (!node.assignments.empty()) TRY(tokens_.expect_symbol(","));
    Target target = TRY(parse_single_target());
    TRY(tokens_.expect_symbol("="));
    node.assignments.emplace_back(std::move(target), TRY(expressions_.parse()));
  }
  node.body = TRY(parse_body("endwith"));
  return Statement{line, std::move(node)};
}

// Hugging Face's mark around what the model itself said; it only opens a scope.
Result<Statement> Parser::parse_generation() {
  const uint32_t line = tokens_.take().line;
  const uint32_t loop_depth = std::exchange(loop_depth_, 0);
  ScopeStatement node{TRY(parse_body("endgeneration"))};
  loop_depth_ = loop_depth;
  return Statement{line, std::move(node)};
}

Result<Statement> Parser::parse_jump() {
  const Token token = tokens_.take();
  if (loop_depth_ == 0) {
    return fail(ErrorKind::malformed, "line {}: '{}' outside of a loop", token.line, token.text);
  }
  if (token.text == "break") return Statement{token.line, BreakStatement{}};
  return Statement{token.line, ContinueStatement{}};
}

}  // namespace

Result<Body> parse_template(std::string_view source, uint32_t depth_max) {
  return Parser(TRY(tokenize(source)), depth_max).parse();
}

}  // namespace sotto::text::jinja
