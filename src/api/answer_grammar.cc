// Putting grammars together.
// SPDX-License-Identifier: Apache-2.0
#include "api/answer_grammar.h"

#include <boost/json/serialize.hpp>
#include <utility>
#include <vector>

#include "text/json_schema.h"

namespace sotto::api {

namespace json = boost::json;

namespace {

std::unexpected<ApiError> bad_format(const Error& error, const std::string& param) {
  return std::unexpected(ApiError{400, "invalid_format", param, error.message});
}

ApiResult<text::Grammar> compile(text::JsonGrammar& grammar, text::Expression root,
                                 const std::string& param) {
  Result<text::Grammar> compiled = text::Grammar::compile(grammar.finish(std::move(root)));
  if (!compiled) return bad_format(compiled.error(), param);
  return std::move(*compiled);
}

}  // namespace

ApiResult<text::Grammar> format_grammar(const OutputFormat& format, const std::string& param) {
  if (format.kind == OutputFormat::Kind::grammar) {
    Result<text::Grammar> parsed = text::Grammar::parse(format.grammar);
    if (!parsed) return bad_format(parsed.error(), "grammar");
    return std::move(*parsed);
  }
  text::JsonGrammar grammar;
  if (format.kind == OutputFormat::Kind::json_object) {
    return compile(grammar, grammar.any_object(), param);
  }
  Result<text::Expression> root = grammar.add_schema(format.schema);
  if (!root) return bad_format(root.error(), param);
  return compile(grammar, std::move(*root), param);
}

ApiResult<text::Grammar> call_grammar(const Tools& tools, text::ToolFormat format) {
  text::JsonGrammar grammar;
  std::vector<text::Expression> calls;
  for (size_t i = 0; i < tools.list.size(); ++i) {
    const json::object& function = tools.list[i].at("function").get_object();
    const std::string name(function.at("name").get_string());
    if (!tools.only.empty() && name != tools.only) continue;
    Result<text::Expression> read = grammar.add_schema(function.at("parameters"));
    if (!read && tools.strict[i]) return bad_format(read.error(), fmt::format("tools[{}]", i));
    text::Expression arguments = read ? std::move(*read) : grammar.any_object();
    const std::string quoted = json::serialize(json::string(name));
    switch (format) {
      case text::ToolFormat::hermes:
        calls.push_back(text::sequence({text::optional(text::literal("\n")),
                                        text::literal("{\"name\": " + quoted + ", \"arguments\": "),
                                        std::move(arguments), text::literal("}")}));
        break;
      case text::ToolFormat::llama:
        calls.push_back(
            text::sequence({text::literal("{\"name\": " + quoted + ", \"parameters\": "),
                            std::move(arguments), text::literal("}")}));
        break;
      case text::ToolFormat::deepseek:
        calls.push_back(text::sequence(
            {text::literal(name + "\n```json\n"), std::move(arguments), text::literal("\n```")}));
        break;
    }
  }
  return compile(grammar, text::choice(std::move(calls)), "tools");
}

CallNotation call_notation(text::ToolFormat format) {
  CallNotation notation;
  if (format == text::ToolFormat::hermes) {
    notation.lead = "<tool_call>\n";
    notation.tail = notation.call_tail = "\n</tool_call>";
    notation.trigger = "<tool_call>";
  } else if (format == text::ToolFormat::deepseek) {
    notation.lead = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>";
    notation.tail = "<｜tool▁call▁end｜><｜tool▁calls▁end｜>";
    notation.call_tail = "<｜tool▁call▁end｜>";
    notation.trigger = "<｜tool▁sep｜>";
  }
  return notation;
}

}  // namespace sotto::api
