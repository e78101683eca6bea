// Runs a parsed template once: walks its tree, within a budget, with nothing but data in reach.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "text/jinja_arguments.h"
#include "text/jinja_ast.h"
#include "text/jinja_callable.h"

namespace sotto::text::jinja {

class Interpreter {
 public:
  struct Settings {
    uint64_t output_bytes_max;
    uint32_t depth_max;  // of the running template: every statement, expression and call counts
    std::tm now;
  };

  // `variables` are what the template may name beside the built-in functions.
  Interpreter(Budget budget, const Settings& settings,
              std::map<std::string, Value, std::less<>> variables);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // What the template prints. raise_exception()'s error is `denied` and has its bare message; all
  // others begin with the line.
  Result<Text> run(const Body& body);

  // For built-in functions, filters, tests and methods:
  Budget& budget() { return budget_; }
  const std::tm& now() const { return settings_.now; }
  Result<Value> call(const Value& callee, const Arguments& arguments);
  Result<Value> apply_filter(std::string_view name, const Value& subject,
                             const Arguments& arguments);
  Result<bool> apply_test(std::string_view name, const Value& subject, const Arguments& arguments);
  // object.name and object[index]: what is not there is undefined, not an error. Where `name` may
  // be an outsider's text it must not be shown in errors.
  Result<Value> attribute(const Value& object, const std::string& name, bool show_name = true);
  Result<Value> item(const Value& object, const Value& index);
  Result<Value> make_namespace(std::map<std::string, Value, std::less<>> attributes);

 private:
  enum class Flow { next, break_loop, continue_loop };
  class Nested;   // counts the depth
  class InScope;  // runs in an inner scope
  class LoopEnd;  // cuts a loop's ties when it is over

  Result<void> enter(uint32_t line);

  Result<Value> evaluate(const Expression& expression);
  Result<Value> evaluate(const ConstantExpression& node);
  Result<Value> evaluate(const NameExpression& node);
  Result<Value> evaluate(const AttributeExpression& node);
  Result<Value> evaluate(const ItemExpression& node);
  Result<Value> evaluate(const SliceExpression& node);
  Result<Value> evaluate(const CallExpression& node);
  Result<Value> evaluate(const FilterExpression& node);
  Result<Value> evaluate(const TestExpression& node);
  Result<Value> evaluate(const NotExpression& node);
  Result<Value> evaluate(const SignExpression& node);
  Result<Value> evaluate(const ArithmeticExpression& node);
  Result<Value> evaluate(const ConcatExpression& node);
  Result<Value> evaluate(const CompareExpression& node);
  Result<Value> evaluate(const LogicExpression& node);
  Result<Value> evaluate(const ConditionalExpression& node);
  Result<Value> evaluate(const SequenceExpression& node);
  Result<Value> evaluate(const DictExpression& node);
  Result<Arguments> evaluate(const CallArguments& arguments);
  Result<bool> compare(Operator op, const Value& left, const Value& right);
  Result<Value> filter_block(const Expression& filter, Text body);

  Result<Flow> execute(const Body& body);
  Result<Flow> execute(const Statement& statement);
  Result<Flow> execute(const TextStatement& node);
  Result<Flow> execute(const PrintStatement& node);
  Result<Flow> execute(const SetStatement& node);
  Result<Flow> execute(const SetBlockStatement& node);
  Result<Flow> execute(const IfStatement& node);
  Result<Flow> execute(const ForStatement& node);
  Result<Flow> execute(const MacroStatement& node);
  Result<Flow> execute(const CallStatement& node);
  Result<Flow> execute(const FilterStatement& node);
  Result<Flow> execute(const WithStatement& node);
  Result<Flow> execute(const ScopeStatement& node);
  Result<Flow> execute(const BreakStatement&) { return Flow::break_loop; }
  Result<Flow> execute(const ContinueStatement&) { return Flow::continue_loop; }

  Result<void> print(const Value& value);
  Result<Text> capture(const Body& body);
  Result<void> define(const std::string& name, Value value);
  Result<void> assign(const Target& target, const Value& value);
  const Value* find_variable(const std::string& name);

  Result<Value> make_macro(const MacroStatement& macro);
  Result<Value> call_macro(const Macro& macro, const Arguments& arguments);
  Result<void> bind_parameters(const MacroStatement& macro, const Arguments& arguments);
  Result<void> bind_extras(const MacroStatement& macro, const Arguments& arguments,
                           const std::vector<bool>& used);

  // Runs the loop over `items` in the current scope.
  Result<void> run_loop(const ForStatement& node, const Value& items, int64_t depth0);
  // The next item that passes the loop's filter, if there is one.
  Result<std::optional<Value>> fetch(Loop& loop);
  Result<std::optional<Value>> advance(Loop& loop);
  Result<bool> has_next(Loop& loop);
  Result<int64_t> length(Loop& loop);
  Result<std::optional<Value>> loop_attribute(const Value& object, const std::string& name);
  Result<Value> call_loop(Loop& loop, const Arguments& arguments);
  Result<Value> call_loop_method(Loop& loop, const std::string& name, const Arguments& arguments);

  Budget budget_;
  const Settings settings_;
  uint32_t line_ = 1;
  uint32_t depth_ = 0;
  std::shared_ptr<Scope> scope_;
  TextBuilder* out_ = nullptr;
  const Value* filter_body_ = nullptr;  // what a block's filters begin with
  // Namespaces can hold themselves, and scopes the macros that hold them; emptied at the end.
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  std::vector<std::shared_ptr<Scope>> captured_;
};

}  // namespace sotto::text::jinja
