// From expressions to nodes: built from the end to the beginning, each part before what follows it.
// SPDX-License-Identifier: Apache-2.0
#include "text/grammar.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "base/check.h"

namespace sotto::text {

using Kind = Grammar::Node::Kind;

namespace {

constexpr size_t kPassesMax = 200;

}  // namespace

class Grammar::Compiler {
 public:
  explicit Compiler(const Rules& rules) : rules_(rules) {}

  Result<Grammar> run() {
    if (rules_.empty()) return fail(ErrorKind::malformed, "a grammar has at least one rule");
    if (rules_.size() > kGrammarRulesMax) {
      return fail(ErrorKind::exhausted, "the grammar has more than {} rules", kGrammarRulesMax);
    }
    TRY(check_rules());
    const uint32_t end = add({Kind::rule_end});
    std::vector<uint32_t> entries;
    for (const Expression& body : rules_) entries.push_back(TRY(compile(body, end, 0)));
    for (Node& node : made_.nodes_) {
      if (node.kind == Kind::call) node.target = entries[node.target];
    }
    made_.root_ = entries.front();
    return std::move(made_);
  }

 private:
  uint32_t add(Node node) {
    made_.nodes_.push_back(node);
    return static_cast<uint32_t>(made_.nodes_.size() - 1);
  }

  uint32_t take(const Bytes& bytes, uint32_t next) {
    const auto [known, is_new] =
        set_numbers_.try_emplace(bytes.to_string(), static_cast<uint32_t>(made_.sets_.size()));
    if (is_new) made_.sets_.push_back(bytes);
    return add({Kind::bytes, next, known->second});
  }

  uint32_t take_range(uint8_t low, uint8_t high, uint32_t next) {
    Bytes bytes;
    for (uint32_t byte = low; byte <= high; ++byte) bytes.set(byte);
    return take(bytes, next);
  }

  uint32_t split(std::vector<uint32_t> ways) {
    if (ways.size() == 1) return ways.front();
    const auto begin = static_cast<uint32_t>(made_.branches_.size());
    made_.branches_.insert(made_.branches_.end(), ways.begin(), ways.end());
    return add({Kind::split, static_cast<uint32_t>(ways.size()), begin});
  }

  Result<uint32_t> compile(const Expression& from, uint32_t next, size_t depth) {
    if (depth > kGrammarDepthMax || made_.nodes_.size() > kGrammarNodesMax) {
      return fail(ErrorKind::exhausted, "the grammar is too large, or nested too deeply");
    }
    switch (from.kind) {
      case Expression::Kind::literal: {
        for (size_t i = from.text.size(); i-- > 0;) {
          const auto byte = static_cast<uint8_t>(from.text[i]);
          next = take_range(byte, byte, next);
        }
        return next;
      }
      case Expression::Kind::characters:
        return compile_characters(from.ranges, next);
      case Expression::Kind::sequence: {
        for (size_t i = from.parts.size(); i-- > 0;) {
          next = TRY(compile(from.parts[i], next, depth + 1));
        }
        return next;
      }
      case Expression::Kind::choice: {
        std::vector<uint32_t> ways;
        // A way that never comes to an end is none.
        for (const Expression& part : from.parts) {
          if (productive(part)) ways.push_back(TRY(compile(part, next, depth + 1)));
        }
        return split(std::move(ways));
      }
      case Expression::Kind::repeat:
        return compile_repeat(from, next, depth);
      case Expression::Kind::rule:
        CHECK(from.rule < rules_.size());
        return add({Kind::call, next, from.rule});
    }
    return next;
  }

  Result<uint32_t> compile_repeat(const Expression& from, uint32_t next, size_t depth) {
    const Expression& part = from.parts.front();
    if (from.least > from.most) {
      return fail(ErrorKind::malformed, "a repetition of at least {} and at most {} times",
                  from.least, from.most);
    }
    if (from.most == 0 || (from.least == 0 && !productive(part))) return next;
    if (from.least == 0 && from.most == 1) {
      return split({TRY(compile(part, next, depth + 1)), next});
    }
    // What may be empty may be empty as often as is asked for.
    const uint32_t least = nullable(part) ? 0 : from.least;
    if (nullable(part) && from.most != kUnbounded && from.most > 64) {
      return fail(ErrorKind::exhausted, "what may be empty is repeated more than 64 times");
    }
    const uint32_t body = TRY(compile(part, add({Kind::loop_end}), depth + 1));
    return add({Kind::loop, next, body, least, from.most});
  }

  // Code points as UTF-8: each range falls apart into ranges whose bytes vary independently.
  uint32_t compile_characters(const std::vector<CharacterRange>& ranges, uint32_t next) {
    Bytes single;
    std::vector<uint32_t> ways;
    for (CharacterRange range : ranges) {
      for (; range.first < 0x80 && range.first <= range.second; ++range.first) {
        single.set(range.first);
      }
      if (range.first > range.second) continue;
      constexpr std::array<char32_t, 3> kLengthEnds = {0x7ff, 0xffff, 0x10ffff};
      for (uint32_t i = 0; i < kLengthEnds.size(); ++i) {
        if (range.first > kLengthEnds[i]) continue;
        const char32_t end = std::min(range.second, kLengthEnds[i]);
        add_sequences(range.first, end, i + 2, next, ways);
        if (end == range.second) break;
        range.first = end + 1;
      }
    }
    if (single.any() || ways.empty()) ways.push_back(take(single, next));
    return split(std::move(ways));
  }

  // Of `length` bytes, `low` and `high` being of that length.
  void add_sequences(char32_t low, char32_t high, uint32_t length, uint32_t next,
                     std::vector<uint32_t>& ways) {
    for (uint32_t bits = 6; bits < 6 * length; bits += 6) {
      const char32_t mask = (char32_t{1} << bits) - 1;
      if ((low | mask) == (high | mask)) continue;  // equal above these bits
      if ((low & mask) != 0 && low / (mask + 1) < high / (mask + 1)) {
        add_sequences(low, low | mask, length, next, ways);
        add_sequences((low | mask) + 1, high, length, next, ways);
        return;
      }
      if ((high & mask) != mask) {
        add_sequences(low, (high & ~mask) - 1, length, next, ways);
        add_sequences(high & ~mask, high, length, next, ways);
        return;
      }
    }
    constexpr std::array<uint8_t, 5> kLead = {0, 0, 0xc0, 0xe0, 0xf0};
    uint32_t at = next;
    for (uint32_t i = 0; i < length; ++i) {
      const uint32_t shift = 6 * i;
      const bool first = i + 1 == length;
      const uint8_t mark = first ? kLead[length] : 0x80;
      const uint32_t keep = first ? 0xff : 0x3f;
      at = take_range(static_cast<uint8_t>(mark | ((low >> shift) & keep)),
                      static_cast<uint8_t>(mark | ((high >> shift) & keep)), at);
    }
    ways.push_back(at);
  }

  bool nullable(const Expression& from) const {
    switch (from.kind) {
      case Expression::Kind::literal:
        return from.text.empty();
      case Expression::Kind::characters:
        return false;
      case Expression::Kind::sequence:
        return std::all_of(from.parts.begin(), from.parts.end(),
                           [&](const Expression& part) { return nullable(part); });
      case Expression::Kind::choice:
        return std::any_of(from.parts.begin(), from.parts.end(),
                           [&](const Expression& part) { return nullable(part); });
      case Expression::Kind::repeat:
        return from.least == 0 || nullable(from.parts.front());
      case Expression::Kind::rule:
        return nullable_rules_[from.rule];
    }
    return false;
  }

  // Whether some text matches.
  bool productive(const Expression& from) const {
    switch (from.kind) {
      case Expression::Kind::literal:
        return true;
      case Expression::Kind::characters:
        return !from.ranges.empty();
      case Expression::Kind::sequence:
        return std::all_of(from.parts.begin(), from.parts.end(),
                           [&](const Expression& part) { return productive(part); });
      case Expression::Kind::choice:
        return std::any_of(from.parts.begin(), from.parts.end(),
                           [&](const Expression& part) { return productive(part); });
      case Expression::Kind::repeat:
        return from.least == 0 || productive(from.parts.front());
      case Expression::Kind::rule:
        return productive_rules_[from.rule];
    }
    return false;
  }

  // Sets `holds[i]` for each rule that `test` accepts, until no more do: rule after rule, forwards and
  // backwards in turn, since rules stand mostly before those that they use, or behind them.
  template <class Test>
  Result<void> spread(std::vector<bool>& holds, Test test) const {
    holds.assign(rules_.size(), false);
    bool changed = true;
    for (size_t pass = 0; changed; ++pass) {
      if (pass > kPassesMax) {
        return fail(ErrorKind::exhausted, "the grammar's rules are too entangled");
      }
      changed = false;
      for (size_t i = 0; i < rules_.size(); ++i) {
        const size_t at = pass % 2 == 0 ? i : rules_.size() - 1 - i;
        if (holds[at] || !test(at)) continue;
        holds[at] = changed = true;
      }
    }
    return {};
  }

  // The rules that `from` may begin with.
  void begins_with(const Expression& from, std::vector<uint32_t>& rules) const {
    switch (from.kind) {
      case Expression::Kind::literal:
      case Expression::Kind::characters:
        return;
      case Expression::Kind::sequence:
        for (const Expression& part : from.parts) {
          begins_with(part, rules);
          if (!nullable(part)) return;
        }
        return;
      case Expression::Kind::choice:
      case Expression::Kind::repeat:
        for (const Expression& part : from.parts) begins_with(part, rules);
        return;
      case Expression::Kind::rule:
        rules.push_back(from.rule);
        return;
    }
  }

  static bool too_deep(const Expression& from, size_t depth) {
    if (depth > kGrammarDepthMax) return true;
    return std::any_of(from.parts.begin(), from.parts.end(),
                       [&](const Expression& part) { return too_deep(part, depth + 1); });
  }

  Result<void> check_rules() {
    for (const Expression& body : rules_) {
      if (too_deep(body, 0)) return fail(ErrorKind::exhausted, "the grammar is nested too deeply");
    }
    TRY(spread(nullable_rules_, [&](size_t i) { return nullable(rules_[i]); }));
    // A rule is done when all that it may begin with are done; in a circle none ever is.
    std::vector<std::vector<uint32_t>> firsts(rules_.size());
    for (size_t i = 0; i < rules_.size(); ++i) begins_with(rules_[i], firsts[i]);
    std::vector<bool> done;
    TRY(spread(done, [&](size_t i) {
      return std::all_of(firsts[i].begin(), firsts[i].end(),
                         [&](uint32_t first) { return done[first]; });
    }));
    const auto circle = std::find(done.begin(), done.end(), false);
    if (circle != done.end()) {
      return fail(ErrorKind::malformed, "rule number {} can begin with itself",
                  circle - done.begin() + 1);
    }
    TRY(spread(productive_rules_, [&](size_t i) { return productive(rules_[i]); }));
    if (productive_rules_.front()) return {};
    return fail(ErrorKind::malformed, "no text matches the grammar");
  }

  const Rules& rules_;
  std::vector<bool> nullable_rules_;
  std::vector<bool> productive_rules_;
  std::map<std::string, uint32_t> set_numbers_;
  Grammar made_;
};

Result<Grammar> Grammar::compile(const Rules& rules) {
  return Compiler(rules).run();
}

Result<Grammar> Grammar::parse(std::string_view gbnf) {
  return compile(TRY(parse_gbnf(gbnf)));
}

}  // namespace sotto::text
