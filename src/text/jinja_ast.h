// What a parsed template consists of. Immutable once parsed; shared by all renderings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja_value.h"

namespace sotto::text::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<Statement>;

enum class Operator {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;
  ExpressionPtr more_positional;  // *expression; may be null
  ExpressionPtr more_keyword;     // **expression; may be null
};

struct ConstantExpression {
  Value value;
};
struct NameExpression {
  std::string name;
};
struct AttributeExpression {
  ExpressionPtr object;
  std::string name;
};
struct ItemExpression {
  ExpressionPtr object;
  ExpressionPtr index;
};
struct SliceExpression {  // bounds may be null
  ExpressionPtr object;
  ExpressionPtr start;
  ExpressionPtr stop;
  ExpressionPtr step;
};
struct CallExpression {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct FilterExpression {
  ExpressionPtr subject;  // null: the body of a filter block or of a block assignment
  std::string name;
  CallArguments arguments;
};
struct TestExpression {
  ExpressionPtr subject;
  std::string name;
  CallArguments arguments;
};
struct NotExpression {
  ExpressionPtr operand;
};
struct SignExpression {
  bool negative;
  ExpressionPtr operand;
};
// Operators of one precedence, applied from the left.
struct ArithmeticExpression {
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};
struct ConcatExpression {
  std::vector<ExpressionPtr> parts;
};
// a < b < c: every neighbouring pair must hold.
struct CompareExpression {
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};
// The first operand that is false (and) or true (or), else the last.
struct LogicExpression {
  bool any;  // or
  std::vector<ExpressionPtr> operands;
};
struct ConditionalExpression {
  ExpressionPtr condition;
  ExpressionPtr chosen;
  ExpressionPtr otherwise;  // may be null: undefined
};
struct SequenceExpression {
  Sequence::Flavour flavour;  // list or tuple
  std::vector<ExpressionPtr> items;
};
struct DictExpression {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct Expression {
  uint32_t line;
  uint32_t depth;  // of the tree from here down, at least 1
  std::variant<ConstantExpression, NameExpression, AttributeExpression, ItemExpression,
               SliceExpression, CallExpression, FilterExpression, TestExpression, NotExpression,
               SignExpression, ArithmeticExpression, ConcatExpression, CompareExpression,
               LogicExpression, ConditionalExpression, SequenceExpression, DictExpression>
      node;
};

// Where an assignment goes: a name, an attribute of a namespace, or several targets.
struct Target {
  std::string name;
  std::string attribute;        // with a namespace's `name`; else empty
  std::vector<Target> targets;  // when not empty, `name` is
};

struct Parameters {
  std::vector<std::string> names;
  std::vector<ExpressionPtr> defaults;  // of the last names
};

struct TextStatement {
  Text text;
};
struct PrintStatement {
  ExpressionPtr expression;
};
struct SetStatement {
  Target target;
  ExpressionPtr value;
};
struct SetBlockStatement {
  Target target;
  ExpressionPtr filter;  // may be null
  Body body;
};
struct IfStatement {
  struct Branch {
    ExpressionPtr condition;  // null: else
    Body body;
  };
  std::vector<Branch> branches;
};
struct ForStatement {
  Target target;
  ExpressionPtr items;
  ExpressionPtr condition;  // may be null
  bool recursive = false;
  Body body;
  Body otherwise;
};
struct MacroStatement {
  std::string name;  // "caller" for the body of a call block
  Parameters parameters;
  bool takes_caller = false;  // the body says `caller`, `varargs` or `kwargs`
  bool takes_varargs = false;
  bool takes_kwargs = false;
  Body body;
};
struct CallStatement {
  ExpressionPtr call;
  MacroStatement caller;
};
struct FilterStatement {
  ExpressionPtr filter;
  Body body;
};
struct WithStatement {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Body body;
};
struct ScopeStatement {  // {% generation %}
  Body body;
};
struct BreakStatement {};
struct ContinueStatement {};

struct Statement {
  uint32_t line;
  std::variant<TextStatement, PrintStatement, SetStatement, SetBlockStatement, IfStatement,
               ForStatement, MacroStatement, CallStatement, FilterStatement, WithStatement,
               ScopeStatement, BreakStatement, ContinueStatement>
      node;
};

}  // namespace sotto::text::jinja
