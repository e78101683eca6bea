// Statements of a running template: what prints, assigns, branches and repeats.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_interpreter.h"

#include "base/check.h"
#include "text/jinja_guards.h"

namespace sotto::text::jinja {

Interpreter::Interpreter(Budget budget, const Settings& settings,
                         std::map<std::string, Value, std::less<>> variables)
    : budget_(budget), settings_(settings), scope_(std::make_shared<Scope>(nullptr)) {
  scope_->variables = std::move(variables);
  scope_ = std::make_shared<Scope>(std::move(scope_));
}

Interpreter::~Interpreter() {
  for (const auto& space : namespaces_) space->attributes.clear();
  for (const auto& scope : captured_) scope->variables.clear();
}

Result<Text> Interpreter::run(const Body& body) {
  Result<Text> text = capture(body);
  if (text || text.error().kind == ErrorKind::denied) return text;
  return within(fmt::format("line {}", line_), std::move(text).error());
}

Result<void> Interpreter::enter(uint32_t line) {
  line_ = line;
  if (depth_ > settings_.depth_max) {
    return fail(ErrorKind::exhausted, "the template runs deeper than {} levels",
                settings_.depth_max);
  }
  return budget_.step();
}

Result<void> Interpreter::print(const Value& value) {
  TRY(append_text(*out_, value));
  if (out_->size() > settings_.output_bytes_max) {
    return fail(ErrorKind::exhausted, "the template prints more than {} bytes",
                settings_.output_bytes_max);
  }
  return {};
}

Result<Text> Interpreter::capture(const Body& body) {
  TextBuilder out(budget_);
  TextBuilder* const before = std::exchange(out_, &out);
  const Result<Flow> flow = execute(body);
  out_ = before;
  if (!flow) return std::unexpected(flow.error());
  return out.take();
}

const Value* Interpreter::find_variable(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->outer.get()) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return &found->second;
  }
  return nullptr;
}

Result<void> Interpreter::define(const std::string& name, Value value) {
  TRY(budget_.items(1));
  scope_->variables.insert_or_assign(name, std::move(value));
  return {};
}

Result<void> Interpreter::assign(const Target& target, const Value& value) {
  if (!target.attribute.empty()) {
    const Value* object = find_variable(target.name);
    Namespace* space = object ? as_namespace(*object) : nullptr;
    if (!space) {
      return fail(ErrorKind::malformed, "'{}' is not a namespace: cannot assign its attribute",
                  target.name);
    }
    TRY(budget_.items(1));
    space->attributes.insert_or_assign(target.attribute, value);
    return {};
  }
  if (target.targets.empty()) return define(target.name, value);
  const std::vector<Value> items = TRY(items_of(budget_, value));
  if (items.size() != target.targets.size()) {
    return fail(ErrorKind::malformed, "{} values to unpack into {} names", items.size(),
                target.targets.size());
  }
  for (size_t i = 0; i < items.size(); ++i) TRY(assign(target.targets[i], items[i]));
  return {};
}

Result<Interpreter::Flow> Interpreter::execute(const Body& body) {
  for (const Statement& statement : body) {
    const Flow flow = TRY(execute(statement));
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const Statement& statement) {
  const Nested nested(*this);
  TRY(enter(statement.line));
  return std::visit([this](const auto& node) { return execute(node); }, statement.node);
}

Result<Interpreter::Flow> Interpreter::execute(const TextStatement& node) {
  TRY(out_->append(node.text));
  if (out_->size() > settings_.output_bytes_max) TRY(print(Value{}));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const PrintStatement& node) {
  TRY(print(TRY(evaluate(*node.expression))));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const SetStatement& node) {
  TRY(assign(node.target, TRY(evaluate(*node.value))));
  return Flow::next;
}

Result<Value> Interpreter::filter_block(const Expression& filter, Text body) {
  const Value text = make_text(std::move(body));
  const Value* const before = std::exchange(filter_body_, &text);
  Result<Value> filtered = evaluate(filter);
  filter_body_ = before;
  return filtered;
}

Result<Interpreter::Flow> Interpreter::execute(const SetBlockStatement& node) {
  Text text;
  {
    const InScope inner(*this, scope_);
    text = TRY(capture(node.body));
  }
  TRY(assign(node.target, node.filter ? TRY(filter_block(*node.filter, std::move(text)))
                                      : make_text(std::move(text))));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const IfStatement& node) {
  for (const IfStatement::Branch& branch : node.branches) {
    if (branch.condition && !truthy(TRY(evaluate(*branch.condition)))) continue;
    return execute(branch.body);
  }
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const ForStatement& node) {
  const Value items = TRY(evaluate(*node.items));
  TRY(run_loop(node, items, 0));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const MacroStatement& node) {
  TRY(define(node.name, TRY(make_macro(node))));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const CallStatement& node) {
  const auto& call_node = std::get<CallExpression>(node.call->node);
  const Value callee = TRY(evaluate(*call_node.callee));
  Arguments arguments = TRY(evaluate(call_node.arguments));
  arguments.keyword.emplace_back("caller", TRY(make_macro(node.caller)));
  TRY(print(TRY(call(callee, arguments))));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const FilterStatement& node) {
  Text text;
  {
    const InScope inner(*this, scope_);
    text = TRY(capture(node.body));
  }
  TRY(print(TRY(filter_block(*node.filter, std::move(text)))));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::execute(const WithStatement& node) {
  std::vector<Value> values;
  for (const auto& [target, expression] : node.assignments) {
    values.push_back(TRY(evaluate(*expression)));
  }
  const InScope inner(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) TRY(assign(node.assignments[i].first, values[i]));
  return execute(node.body);
}

Result<Interpreter::Flow> Interpreter::execute(const ScopeStatement& node) {
  const InScope inner(*this, scope_);
  return execute(node.body);
}

}  // namespace sotto::text::jinja
