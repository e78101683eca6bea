// JSON Schema as a grammar: whatever text it matches is JSON that the schema accepts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>

#include "base/result.h"
#include "text/grammar_expression.h"

namespace sotto::text {

inline constexpr uint32_t kJsonNestingMax = 16;  // of objects and arrays that no schema describes

// Collects rules: of schemas, and of what stands between them.
class JsonGrammar {
 public:
  JsonGrammar();

  // A value that the schema accepts; other texts than these may be accepted too, since properties come in
  // the schema's order, and what it leaves open is left out where it may be. `unsupported` names the
  // keyword that cannot be kept and where it stands, `malformed` what is wrong
  // [docs/reference/structured-output.md].
  Result<Expression> add_schema(const boost::json::value& schema);
  // Any object, its insides nested at most kJsonNestingMax deep.
  Expression any_object();

  // All rules; `root` is what a text has to match.
  Rules finish(Expression root);

 private:
  friend class SchemaReader;
  Expression add_rule(Expression body);
  Expression space() const;
  Expression any_value();
  // "[" item, item … "]" and "{" member, member … "}"
  Expression list(char open, Expression inside, char close) const;
  Expression comma() const;

  Rules rules_;  // the first is kept for the root
  Expression string_;
  Expression number_;
  std::vector<Expression> any_values_;  // by how deep they may still be nested
  std::vector<Expression> any_objects_;
};

// JSON as compact as it gets, numbers in their shortest form.
std::string compact_json(const boost::json::value& value);

}  // namespace sotto::text
