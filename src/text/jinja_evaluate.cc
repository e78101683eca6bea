// Expressions of a running template.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_filters.h"
#include "text/jinja_globals.h"
#include "text/jinja_guards.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"
#include "text/jinja_tests.h"

namespace sotto::text::jinja {

Result<Value> Interpreter::evaluate(const Expression& expression) {
  const Nested nested(*this);
  TRY(enter(expression.line));
  return std::visit([this](const auto& node) { return evaluate(node); }, expression.node);
}

Result<Value> Interpreter::evaluate(const ConstantExpression& node) {
  return node.value;
}

Result<Value> Interpreter::evaluate(const NameExpression& node) {
  if (const Value* value = find_variable(node.name)) return *value;
  if (is_global_function(node.name)) {
    TRY(budget_.items(1));
    return Value{.data = std::make_shared<const Callable>(Callable{GlobalFunction{node.name}})};
  }
  return make_undefined(fmt::format("'{}' is undefined", node.name));
}

Result<Value> Interpreter::evaluate(const AttributeExpression& node) {
  return attribute(TRY(evaluate(*node.object)), node.name);
}

Result<Value> Interpreter::evaluate(const ItemExpression& node) {
  const Value object = TRY(evaluate(*node.object));
  return item(object, TRY(evaluate(*node.index)));
}

Result<Value> Interpreter::evaluate(const SliceExpression& node) {
  const Value object = TRY(evaluate(*node.object));
  SliceBounds bounds;
  const std::pair<const ExpressionPtr*, std::optional<int64_t>*> parts[] = {
      {&node.start, &bounds.start}, {&node.stop, &bounds.stop}, {&node.step, &bounds.step}};
  for (const auto& [expression, bound] : parts) {
    if (!*expression) continue;
    const Value value = TRY(evaluate(**expression));
    if (is_none(value)) continue;
    *bound = as_integer(value);
    if (!*bound) {
      return fail(ErrorKind::malformed, "slice indices must be integers or none, not {}",
                  type_name(value));
    }
  }
  return slice(budget_, object, bounds);
}

Result<Arguments> Interpreter::evaluate(const CallArguments& arguments) {
  Arguments out;
  for (const ExpressionPtr& argument : arguments.positional) {
    out.positional.push_back(TRY(evaluate(*argument)));
  }
  for (const auto& [name, argument] : arguments.keyword) {
    out.keyword.emplace_back(name, TRY(evaluate(*argument)));
  }
  if (arguments.more_positional) {
    const Value more = TRY(evaluate(*arguments.more_positional));
    for (Value& value : TRY(items_of(budget_, more))) out.positional.push_back(std::move(value));
  }
  if (arguments.more_keyword) {
    const Value more = TRY(evaluate(*arguments.more_keyword));
    const Dict* dict = as_dict(more);
    if (!dict) return fail(ErrorKind::malformed, "argument after ** must be a mapping");
    TRY(budget_.items(dict->entries.size()));
    for (const auto& [key, value] : dict->entries) {
      const Text* name = as_text(key);
      if (!name) return fail(ErrorKind::malformed, "keywords must be strings");
      TRY(budget_.bytes(name->size()));
      out.keyword.emplace_back(name->bytes(), value);
    }
  }
  return out;
}

Result<Value> Interpreter::evaluate(const CallExpression& node) {
  const Value callee = TRY(evaluate(*node.callee));
  return call(callee, TRY(evaluate(node.arguments)));
}

Result<Value> Interpreter::evaluate(const FilterExpression& node) {
  const Value subject = node.subject ? TRY(evaluate(*node.subject)) : *filter_body_;
  return apply_filter(node.name, subject, TRY(evaluate(node.arguments)));
}

Result<Value> Interpreter::evaluate(const TestExpression& node) {
  const Value subject = TRY(evaluate(*node.subject));
  return make_bool(TRY(apply_test(node.name, subject, TRY(evaluate(node.arguments)))));
}

Result<Value> Interpreter::apply_filter(std::string_view name, const Value& subject,
                                        const Arguments& arguments) {
  const Nested nested(*this);
  TRY(enter(line_));
  const FilterFunction filter = find_filter(name);
  if (!filter) return fail(ErrorKind::unsupported, "no filter named '{}'", name.substr(0, 40));
  return filter(*this, subject, arguments);
}

Result<bool> Interpreter::apply_test(std::string_view name, const Value& subject,
                                     const Arguments& arguments) {
  const Nested nested(*this);
  TRY(enter(line_));
  const TestFunction test = find_test(name);
  if (!test) return fail(ErrorKind::unsupported, "no test named '{}'", name.substr(0, 40));
  return test(*this, subject, arguments);
}

Result<Value> Interpreter::evaluate(const NotExpression& node) {
  return make_bool(!truthy(TRY(evaluate(*node.operand))));
}

Result<Value> Interpreter::evaluate(const SignExpression& node) {
  return sign(TRY(evaluate(*node.operand)), node.negative);
}

Result<Value> Interpreter::evaluate(const ArithmeticExpression& node) {
  Value result = TRY(evaluate(*node.first));
  for (const auto& [op, operand] : node.rest) {
    result = TRY(arithmetic(budget_, op, result, TRY(evaluate(*operand))));
  }
  return result;
}

Result<Value> Interpreter::evaluate(const ConcatExpression& node) {
  TextBuilder out(budget_);
  for (const ExpressionPtr& part : node.parts) TRY(append_text(out, TRY(evaluate(*part))));
  return make_text(out.take());
}

Result<bool> Interpreter::compare(Operator op, const Value& left, const Value& right) {
  switch (op) {
    case Operator::equal:
      return equal(budget_, left, right);
    case Operator::not_equal:
      return !TRY(equal(budget_, left, right));
    case Operator::less:
      return less(budget_, left, right);
    case Operator::greater:
      return less(budget_, right, left);
    case Operator::in:
      return contains(budget_, right, left);
    case Operator::not_in:
      return !TRY(contains(budget_, right, left));
    default:
      break;
  }
  // <= and >= hold for what is less or equal; not for what has no order (NaN).
  const bool is_less = op == Operator::less_equal ? TRY(less(budget_, left, right))
                                                  : TRY(less(budget_, right, left));
  return is_less || TRY(equal(budget_, left, right));
}

Result<Value> Interpreter::evaluate(const CompareExpression& node) {
  Value left = TRY(evaluate(*node.first));
  for (const auto& [op, operand] : node.rest) {
    Value right = TRY(evaluate(*operand));
    if (!TRY(compare(op, left, right))) return make_bool(false);
    left = std::move(right);
  }
  return make_bool(true);
}

Result<Value> Interpreter::evaluate(const LogicExpression& node) {
  Value value;
  for (const ExpressionPtr& operand : node.operands) {
    value = TRY(evaluate(*operand));
    if (truthy(value) == node.any) break;
  }
  return value;
}

Result<Value> Interpreter::evaluate(const ConditionalExpression& node) {
  if (truthy(TRY(evaluate(*node.condition)))) return evaluate(*node.chosen);
  if (node.otherwise) return evaluate(*node.otherwise);
  return make_undefined("the inline if-expression was false and has no else");
}

Result<Value> Interpreter::evaluate(const SequenceExpression& node) {
  std::vector<Value> items;
  for (const ExpressionPtr& item : node.items) items.push_back(TRY(evaluate(*item)));
  return make_sequence(budget_, std::move(items), node.flavour, true);
}

Result<Value> Interpreter::evaluate(const DictExpression& node) {
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [key_node, value_node] : node.entries) {
    Value key = TRY(evaluate(*key_node));
    entries.emplace_back(std::move(key), TRY(evaluate(*value_node)));
  }
  return make_dict(budget_, std::move(entries), true);
}

}  // namespace sotto::text::jinja
