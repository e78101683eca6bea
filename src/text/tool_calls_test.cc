// Calls in all notations, cut in all ways; and models that are told of tools.
// SPDX-License-Identifier: Apache-2.0
#include "text/tool_calls.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sotto::text {
namespace {

namespace json = boost::json;

// content | name(arguments) | …
std::string split(ToolFormat format, std::string_view text, size_t step) {
  ToolCallSplitter splitter(format);
  std::string content, calls;
  const auto add = [&](const ToolPiece& piece) {
    content += piece.content;
    for (const ToolCall& call : piece.calls) calls += "|" + call.name + call.arguments;
  };
  for (size_t at = 0; at < text.size(); at += step) add(splitter.push(text.substr(at, step)));
  add(splitter.finish());
  return content + calls;
}

TEST(ToolCallSplitter, finds_calls_however_the_text_is_cut) {
  const std::tuple<ToolFormat, const char*, const char*> cases[] = {
      {ToolFormat::hermes,
       "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "|f{\"a\":1}"},
      {ToolFormat::hermes,
       "I look.\n\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n"
       "<tool_call>{\"name\":\"g\",\"arguments\":\"{\\\"b\\\":2}\"}</tool_call>\n",
       "I look.|f{}|g{\"b\":2}"},
      {ToolFormat::hermes, "a <tool_call> b", "a <tool_call> b"},
      {ToolFormat::hermes, "x<tool_call>{\"name\": 1}</tool_call>y",
       "x<tool_call>{\"name\": 1}</tool_call>y"},
      {ToolFormat::hermes, "<tool_call>{\"name\":\"f\",\"arguments\":{}}", "|f{}"},
      {ToolFormat::hermes, "a < b <tool", "a < b <tool"},
      {ToolFormat::hermes, "  plain \n", "  plain \n"},
      {ToolFormat::llama, "{\"name\": \"f\", \"parameters\": {\"a\": \"<\"}}", "|f{\"a\":\"<\"}"},
      {ToolFormat::llama, "<|python_tag|>{\"name\":\"f\",\"parameters\":{}}", "|f{}"},
      {ToolFormat::llama, "{\"x\": 1}", "{\"x\": 1}"},
      {ToolFormat::llama, " It is {\"name\":\"f\"}", " It is {\"name\":\"f\"}"},
      {ToolFormat::deepseek,
       "Let me see.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n"
       "{\"a\": "
       "[1]}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n"
       "```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       "Let me see.|f{\"a\":[1]}|g{}"},
      {ToolFormat::deepseek,
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":1}<｜tool▁call▁end｜>",
       "|f{\"a\":1}"},
      {ToolFormat::deepseek, "<｜tool▁calls▁begin｜>?<｜tool▁calls▁end｜>",
       "<｜tool▁calls▁begin｜>?<｜tool▁calls▁end｜>"},
  };
  for (const auto& [format, text, expected] : cases) {
    for (size_t step = 1; step <= 40; ++step)
      EXPECT_EQ(split(format, text, step), expected) << step;
  }
}

TEST(ToolCallSplitter, gives_content_as_soon_as_it_can_be_none_other) {
  ToolCallSplitter splitter(ToolFormat::hermes);
  EXPECT_EQ(splitter.push("Hello").content, "Hello");
  EXPECT_EQ(splitter.push(" <").content, "");
  EXPECT_EQ(splitter.push("b>").content, " <b>");
}

TEST(ToolSupport, is_read_off_the_template) {
  const ToolSupport hermes = tool_support(
      "{% if tools %}<tools>{{ tools }}<tool_call>{% endif %}"
      "{% if message.tool_calls %}{% endif %}");
  EXPECT_EQ(hermes.format, ToolFormat::hermes);
  EXPECT_TRUE(hermes.lists_tools && hermes.shows_calls);
  const ToolSupport deepseek = tool_support("{{ message['tool_calls'] }}<｜tool▁calls▁begin｜>");
  EXPECT_EQ(deepseek.format, ToolFormat::deepseek);
  EXPECT_TRUE(deepseek.shows_calls && deepseek.text_arguments);
  EXPECT_FALSE(deepseek.lists_tools);
  EXPECT_EQ(tool_support("{% if custom_tools %}{{ tools }}<|python_tag|>").format,
            ToolFormat::llama);
  EXPECT_FALSE(tool_support("{{ message.content }}").lists_tools);
}

TEST(ExplainTools, says_what_a_template_cannot_show) {
  const json::array tools =
      json::parse(R"([{"type":"function","function":{"name":"f"}}])").get_array();
  const json::array messages =
      json::parse(
          R"([{"role":"user","content":"hi"},{"role":"assistant","content":"so","tool_calls":
      [{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
      {"role":"tool","tool_call_id":"c","content":"4"}])")
          .get_array();
  const json::array told = explain_tools({}, messages, tools);
  ASSERT_EQ(told.size(), 4u);
  EXPECT_EQ(told[0].at("role"), "system");
  EXPECT_NE(told[0].at("content").get_string().find("\"name\":\"f\""), std::string::npos);
  EXPECT_EQ(told[2].at("content"),
            "so\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":1}}\n</tool_call>");
  EXPECT_EQ(told[3].at("role"), "user");
  EXPECT_EQ(told[3].at("content"), "<tool_response>\n4\n</tool_response>");

  // A template that knows all of it gets the messages as they are, arguments as an object.
  const ToolSupport all{ToolFormat::hermes, true, true, false};
  const json::array kept = explain_tools(all, messages, tools);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[1].at("tool_calls").at(0).at("function").at("arguments").at("a"), 1);
  const ToolSupport text{ToolFormat::deepseek, true, true, true};
  EXPECT_EQ(explain_tools(text, messages, tools), messages);
}

}  // namespace
}  // namespace sotto::text
