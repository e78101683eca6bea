// `for` loops, and the `loop` variable inside them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/jinja_guards.h"
#include "text/jinja_interpreter.h"

namespace sotto::text::jinja {

Result<void> Interpreter::run_loop(const ForStatement& node, const Value& items, int64_t depth0) {
  auto loop = std::make_shared<Loop>();
  const LoopEnd end(*loop);
  loop->statement = &node;
  loop->scope = scope_;
  loop->filtered = node.condition != nullptr;
  loop->depth0 = depth0;
  loop->items = TRY(items_of(budget_, items));
  for (const Value& item : loop->items) loop->depth = std::max(loop->depth, depth_of(item) + 1);
  if (loop->depth > kValueDepthMax) {
    return fail(ErrorKind::exhausted, "loops nest deeper than {}", kValueDepthMax);
  }
  // As in Jinja2, a body that was left by break or continue does not count as run.
  bool completed = false;
  while (true) {
    std::optional<Value> item = TRY(advance(*loop));
    if (!item) break;
    TRY(budget_.step());
    const InScope inner(*this, loop->scope);
    TRY(define("loop", Value{.data = loop}));
    TRY(assign(node.target, *item));
    const Flow flow = TRY(execute(node.body));
    if (flow == Flow::break_loop) break;
    completed = completed || flow == Flow::next;
  }
  if (completed || node.otherwise.empty()) return {};
  const InScope inner(*this, loop->scope);
  TRY(execute(node.otherwise));
  return {};
}

Result<std::optional<Value>> Interpreter::fetch(Loop& loop) {
  while (loop.next < loop.items.size()) {
    Value item = loop.items[loop.next++];
    if (!loop.filtered) return item;
    if (!loop.scope) break;
    const InScope inner(*this, loop.scope);
    TRY(assign(loop.statement->target, item));
    if (truthy(TRY(evaluate(*loop.statement->condition)))) return item;
  }
  return std::nullopt;
}

Result<std::optional<Value>> Interpreter::advance(Loop& loop) {
  std::optional<Value> item = std::exchange(loop.ahead, std::nullopt);
  if (!item) item = TRY(fetch(loop));
  if (item) {
    ++loop.index0;
    loop.before = std::exchange(loop.current, item);
  }
  return item;
}

Result<bool> Interpreter::has_next(Loop& loop) {
  if (!loop.ahead) loop.ahead = TRY(fetch(loop));
  return loop.ahead.has_value();
}

Result<int64_t> Interpreter::length(Loop& loop) {
  if (loop.filtered && loop.scope) {
    std::vector<Value> left;
    while (true) {
      std::optional<Value> item = TRY(fetch(loop));
      if (!item) break;
      left.push_back(std::move(*item));
    }
    // From now on the items are those that passed; the ones that have had their turn only count.
    const auto passed = static_cast<size_t>(loop.index0 + 1) + (loop.ahead ? 1 : 0);
    TRY(budget_.items(passed + left.size()));
    loop.items.assign(passed, Value{});
    loop.items.insert(loop.items.end(), left.begin(), left.end());
    loop.next = passed;
    loop.filtered = false;
  }
  return static_cast<int64_t>(loop.items.size());
}

Result<std::optional<Value>> Interpreter::loop_attribute(const Value& object,
                                                         const std::string& name) {
  Loop& loop = *as_loop(object);
  // Counted by us from the template's own first item on: no outsider's text.
  const auto counted = [](int64_t value) { return make_integer(value, true); };
  if (name == "index") return counted(loop.index0 + 1);
  if (name == "index0") return counted(loop.index0);
  if (name == "first") return make_bool(loop.index0 == 0);
  if (name == "last") return make_bool(!TRY(has_next(loop)));
  if (name == "length") return make_integer(TRY(length(loop)), false);
  if (name == "revindex") return make_integer(TRY(length(loop)) - loop.index0, false);
  if (name == "revindex0") return make_integer(TRY(length(loop)) - loop.index0 - 1, false);
  if (name == "depth") return counted(loop.depth0 + 1);
  if (name == "depth0") return counted(loop.depth0);
  if (name == "previtem") {
    return loop.index0 > 0 ? *loop.before : make_undefined("there is no previous item");
  }
  if (name == "nextitem") {
    return TRY(has_next(loop)) ? *loop.ahead : make_undefined("there is no next item");
  }
  if (name == "cycle" || name == "changed") {
    TRY(budget_.items(1));
    const uint32_t depth = loop.depth + 1;
    return Value{.data = std::make_shared<const Callable>(Callable{Method{object, name}, depth})};
  }
  return std::nullopt;
}

Result<Value> Interpreter::call_loop_method(Loop& loop, const std::string& name,
                                            const Arguments& arguments) {
  if (!arguments.keyword.empty()) {
    return fail(ErrorKind::malformed, "loop.{}() takes no keyword arguments", name);
  }
  if (name == "cycle") {
    if (arguments.positional.empty())
      return fail(ErrorKind::malformed, "no items to cycle through");
    const auto index = static_cast<size_t>(std::max<int64_t>(loop.index0, 0));
    return arguments.positional[index % arguments.positional.size()];
  }
  const Value now = TRY(make_sequence(budget_, arguments.positional, Sequence::Flavour::tuple));
  const bool same = loop.changed && TRY(equal(budget_, *loop.changed, now));
  if (loop.scope) loop.changed = now;
  return make_bool(!same);
}

Result<Value> Interpreter::call_loop(Loop& loop, const Arguments& arguments) {
  if (!loop.scope || !loop.statement->recursive) {
    return fail(ErrorKind::malformed, "only a loop marked 'recursive' can be called, inside it");
  }
  const Bound bound = TRY(bind("loop", arguments, {"iterable"}, 1));
  TextBuilder out(budget_);
  TextBuilder* const before = std::exchange(out_, &out);
  const std::shared_ptr<Scope> scope = std::exchange(scope_, loop.scope);
  const Result<void> ran = run_loop(*loop.statement, *bound.get(0), loop.depth0 + 1);
  scope_ = scope;
  out_ = before;
  if (!ran) return std::unexpected(ran.error());
  return make_text(out.take());
}

}  // namespace sotto::text::jinja
