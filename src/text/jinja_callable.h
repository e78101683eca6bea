// What a template can call, and what a running loop knows of itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "text/jinja_value.h"

namespace sotto::text::jinja {

struct MacroStatement;
struct ForStatement;

// The names of one block; look-ups go outwards through `outer`.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> enclosing) : outer(std::move(enclosing)) {}
  std::map<std::string, Value, std::less<>> variables;
  std::shared_ptr<Scope> outer;
};

// A method of a value, not yet called.
struct Method {
  Value self;
  std::string name;
};
// A function that every template can name.
struct GlobalFunction {
  std::string name;
};
struct Macro {
  const MacroStatement* statement;
  std::shared_ptr<Scope> scope;  // where it was defined
};

struct Callable {
  std::variant<Method, GlobalFunction, Macro> target;
  uint32_t depth = 1;
};

// The `loop` variable. It may outlive its loop (in a namespace), but can then no longer look ahead
// or recurse.
struct Loop {
  const ForStatement* statement = nullptr;
  std::shared_ptr<Scope> scope;  // around the loop; null once the loop is over
  std::vector<Value> items;
  size_t next = 0;  // of `items`, the first not yet looked at
  bool filtered = false;
  std::optional<Value> ahead;  // fetched before its turn
  std::optional<Value> before;
  std::optional<Value> current;
  std::optional<Value> changed;  // what changed() saw last
  int64_t index0 = -1;
  int64_t depth0 = 0;
  uint32_t depth = 1;
};

}  // namespace sotto::text::jinja
