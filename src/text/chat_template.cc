// A chat template and its rendering: from JSON to values, and from text to runs.
// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "text/jinja_interpreter.h"
#include "text/jinja_parser.h"
#include "text/utf8.h"

namespace sotto::text {

using jinja::Budget;
using jinja::Value;

struct ChatTemplate::Program {
  TemplateLimits limits;
  jinja::Body body;
};

namespace {

// Messages may nest this deep; a template's own lists go around them.
constexpr uint32_t kInputDepthMax = 48;
// Levels of the running template per level of the written one: an expression in a loop in a macro
// is several. Python's own limit on recursion, 1000, is near.
constexpr uint32_t kLevelsPerDepth = 8;

// Everything from outside becomes untrusted, the keys too.
Result<Value> from_json(Budget& budget, const boost::json::value& json, uint32_t depth) {
  TRY(budget.step());
  if (depth > kInputDepthMax) {
    return fail(ErrorKind::exhausted, "the input nests deeper than {}", kInputDepthMax);
  }
  switch (json.kind()) {
    case boost::json::kind::null:
      return Value{};
    case boost::json::kind::bool_:
      return jinja::make_bool(json.get_bool());
    case boost::json::kind::int64:
      return jinja::make_integer(json.get_int64(), false);
    case boost::json::kind::uint64:
      if (json.get_uint64() > static_cast<uint64_t>(INT64_MAX)) {
        return fail(ErrorKind::unsupported, "an integer in the input does not fit into 64 bits");
      }
      return jinja::make_integer(static_cast<int64_t>(json.get_uint64()), false);
    case boost::json::kind::double_:
      return jinja::make_float(json.get_double(), false);
    case boost::json::kind::string: {
      const boost::json::string& text = json.get_string();
      TRY(budget.bytes(text.size()));
      return jinja::make_text(make_valid_utf8({text.data(), text.size()}), false);
    }
    case boost::json::kind::array: {
      std::vector<Value> items;
      for (const boost::json::value& item : json.get_array()) {
        items.push_back(TRY(from_json(budget, item, depth + 1)));
      }
      return jinja::make_list(budget, std::move(items));
    }
    case boost::json::kind::object:
      break;
  }
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [key, item] : json.get_object()) {
    TRY(budget.bytes(key.size()));
    entries.emplace_back(jinja::make_text(make_valid_utf8({key.data(), key.size()}), false),
                         TRY(from_json(budget, item, depth + 1)));
  }
  return jinja::make_dict(budget, std::move(entries));
}

Result<std::map<std::string, Value, std::less<>>> variables_of(Budget& budget,
                                                               const ChatInput& input) {
  std::map<std::string, Value, std::less<>> variables;
  for (const auto& [key, value] : input.extra) {
    variables.insert_or_assign(std::string(key.data(), key.size()),
                               TRY(from_json(budget, value, 0)));
  }
  variables.insert_or_assign("messages", TRY(from_json(budget, input.messages, 0)));
  // Without tools the name stays undefined: templates ask `tools is defined`, or loop over nothing.
  if (!input.tools.is_null()) {
    variables.insert_or_assign("tools", TRY(from_json(budget, input.tools, 0)));
  }
  variables.insert_or_assign("add_generation_prompt",
                             jinja::make_bool(input.add_generation_prompt));
  const std::pair<const char*, const std::string*> tokens[] = {{"bos_token", &input.bos_token},
                                                               {"eos_token", &input.eos_token}};
  for (const auto& [name, text] : tokens) {
    TRY(budget.bytes(text->size()));
    variables.insert_or_assign(name, jinja::make_text(make_valid_utf8(*text), true));
  }
  return variables;
}

std::vector<TextRun> runs_of(const jinja::Text& text) {
  std::vector<TextRun> runs;
  size_t begin = 0;
  for (const jinja::Text::Run& run : text.runs()) {
    runs.push_back({text.bytes().substr(begin, run.end - begin), run.trusted});
    begin = run.end;
  }
  return runs;
}

bool is_possible(const std::tm& now) {
  return now.tm_mon >= 0 && now.tm_mon < 12 && now.tm_wday >= 0 && now.tm_wday < 7 &&
         now.tm_year > -1900 && now.tm_year < 8100;
}

}  // namespace

ChatTemplate::ChatTemplate(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, const TemplateLimits& limits) {
  if (source.size() > limits.source_bytes_max) {
    return fail(ErrorKind::exhausted, "a template of {} bytes, at most {} are read", source.size(),
                limits.source_bytes_max);
  }
  if (const size_t valid = valid_utf8_prefix(source); valid != source.size()) {
    return fail(ErrorKind::malformed, "the template is not UTF-8 at byte {}", valid);
  }
  jinja::Body body = TRY(jinja::parse_template(source, limits.depth_max));
  return ChatTemplate(std::make_unique<const Program>(Program{limits, std::move(body)}));
}

Result<std::vector<TextRun>> ChatTemplate::render(const ChatInput& input) const {
  const TemplateLimits& limits = program_->limits;
  if (!is_possible(input.now)) return fail(ErrorKind::malformed, "chat template: impossible date");
  Budget budget(limits.steps_max, limits.value_bytes_max);
  auto variables = variables_of(budget, input);
  if (!variables) return within("chat template", std::move(variables).error());
  jinja::Interpreter interpreter(
      budget, {limits.output_bytes_max, limits.depth_max * kLevelsPerDepth, input.now},
      std::move(*variables));
  Result<jinja::Text> text = interpreter.run(program_->body);
  if (text) return runs_of(*text);
  if (text.error().kind == ErrorKind::denied) return std::unexpected(std::move(text).error());
  return within("chat template", std::move(text).error());
}

std::string join(const std::vector<TextRun>& runs) {
  std::string text;
  for (const TextRun& run : runs) text += run.text;
  return text;
}

}  // namespace sotto::text
