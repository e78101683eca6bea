// Requests field by field: honoured, harmless, or refused by name.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "api/body.h"
#include "api/chat_request.h"
#include "api/completion_request.h"

namespace sotto::api {
namespace {

const std::string kMessages = R"("messages":[{"role":"user","content":"hi"}])";

ApiResult<ChatRequest> chat(const std::string& fields) {
  const ApiResult<Body> body = Body::parse("{" + fields + "}");
  if (!body) return std::unexpected(body.error());
  return read_chat_request(body->object());
}

TEST(ChatRequest, takes_what_it_honours) {
  const auto request = chat(
      kMessages +
      R"(,"model":"m","stream":true,"stream_options":{"include_usage":true},"n":3,"stop":["a","b"],
      "seed":-1,"temperature":0.5,"top_p":0.25,"top_k":7,"min_p":0.1,"repetition_penalty":1.5,
      "frequency_penalty":-1,"presence_penalty":2,"logit_bias":{"5":-100},"max_completion_tokens":9,
      "max_tokens":4,"logprobs":true,"top_logprobs":2,"chat_template_kwargs":{"x":1})");
  ASSERT_TRUE(request.has_value()) << request.error().message;
  const Generation& generation = request->generation;
  EXPECT_EQ(generation.model, "m");
  EXPECT_TRUE(generation.stream && generation.include_usage && generation.logprobs);
  EXPECT_EQ(generation.choices, 3u);
  EXPECT_EQ(generation.stops, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(generation.tokens_max, 9u);
  const engine::SamplingParams params = generation.sampling({}, 1);
  EXPECT_EQ(params.seed, UINT64_MAX);
  EXPECT_EQ(params.temperature, 0.5f);
  EXPECT_EQ(params.top_k, 7u);
  EXPECT_EQ(params.top_logprobs, 2u);
  EXPECT_EQ(params.logit_bias.size(), 1u);
  EXPECT_EQ(request->template_variables.size(), 1u);
}

TEST(ChatRequest, joins_parts_and_calls_a_developer_system) {
  const auto request = chat(
      R"("messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->messages[0].at("role"), "system");
  EXPECT_EQ(request->messages[0].at("content"), "ab");
}

TEST(ChatRequest, lets_pass_what_is_harmless) {
  for (const char* field :
       {R"("user":"u")", R"("metadata":{"a":1})", R"("store":false)", R"("service_tier":"auto")",
        R"("parallel_tool_calls":true)", R"("tools":[])", R"("modalities":["text"])",
        R"("response_format":{"type":"text"})", R"("safety_identifier":"s")", R"("stop":null)"}) {
    EXPECT_TRUE(chat(kMessages + "," + field).has_value()) << field;
  }
}

TEST(ChatRequest, refuses_by_name) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("tools":[{}])", "tools"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("response_format":{"type":"json_object"})", "response_format"},
      {R"("reasoning_effort":"low")", "reasoning_effort"},
      {R"("grammar":"root ::= x")", "grammar"},
      {R"("store":true)", "store"},
      {R"("audio":{})", "audio"},
      {R"("prediction":{})", "prediction"},
      {R"("web_search_options":{})", "web_search_options"},
      {R"("modalities":["audio"])", "modalities"},
      {R"("verbosity":"low")", "verbosity"},
      {R"("service_tier":"flex")", "service_tier"},
      {R"("something":1)", "something"},
      {R"("n":0)", "n"},
      {R"("n":1.5)", "n"},
      {R"("n":"1")", "n"},
      {R"("temperature":-0.1)", "temperature"},
      {R"("temperature":5.1)", "temperature"},
      {R"("top_p":2)", "top_p"},
      {R"("top_logprobs":1)", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
      {R"("stop":"")", "stop"},
      {R"("stop":[1])", "stop"},
      {R"("logit_bias":{"a":1})", "logit_bias"},
      {R"("logit_bias":{"1":101})", "logit_bias"},
      {R"("max_tokens":0)", "max_tokens"},
      {R"("stream_options":{"include_usage":true})", "stream_options"},
      {R"("stream":true,"stream_options":{"x":1})", "stream_options.x"},
      {R"("stream":1)", "stream"},
      {R"("model":1)", "model"},
  };
  for (const auto& [field, param] : cases) {
    const auto request = chat(kMessages + "," + field);
    ASSERT_FALSE(request.has_value()) << field;
    EXPECT_EQ(request.error().status, 400u) << field;
    EXPECT_EQ(request.error().param, param) << field;
  }
}

TEST(ChatRequest, names_the_message_that_is_wrong_and_not_what_it_says) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("messages":[])", "messages"},
      {R"("messages":"secret")", "messages"},
      {R"("messages":[{"role":"secret","content":"x"}])", "messages[0].role"},
      {R"("messages":[{"content":"secret"}])", "messages[0].role"},
      {R"("messages":[{"role":"user","content":"a"},{"role":"tool","content":"secret"}])",
       "messages[1].role"},
      {R"("messages":[{"role":"user","content":5}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":"secret"}]}])",
       "messages[0].content[0].type"},
      {R"("messages":[{"role":"user","content":"x","SECRET secret":1}])", "messages[0].?"},
      {R"("messages":[{"role":"assistant","tool_calls":[{"id":"secret"}]}])",
       "messages[0].tool_calls"},
  };
  for (const auto& [fields, param] : cases) {
    const auto request = chat(fields);
    ASSERT_FALSE(request.has_value()) << fields;
    EXPECT_EQ(request.error().param, param) << fields;
    EXPECT_EQ(request.error().message.find("secret"), std::string::npos) << fields;
  }
}

TEST(CompletionRequest, takes_prompts_in_four_forms) {
  const auto count = [](const std::string& prompt) -> size_t {
    const ApiResult<Body> body = Body::parse("{\"prompt\":" + prompt + "}");
    const auto request = read_completion_request(body->object());
    return request ? request->prompts.size() : 0;
  };
  EXPECT_EQ(count("\"a\""), 1u);
  EXPECT_EQ(count("[1,2,3]"), 1u);
  EXPECT_EQ(count("[\"a\",\"b\"]"), 2u);
  EXPECT_EQ(count("[[1],[2,3],\"c\"]"), 3u);
  for (const char* bad : {"[]", "[-1]", "[1,\"a\"]", "{}", "null", "[[]]", "[[1.5]]", "true"}) {
    EXPECT_EQ(count(bad), 0u) << bad;
  }
}

TEST(Body, is_an_object_of_bounded_depth) {
  EXPECT_TRUE(Body::parse("{}").has_value());
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{"), std::string("{}x"),
        std::string("{\"a\":\"\xff\"}"), "{\"a\":" + std::string(200, '[')}) {
    ASSERT_FALSE(Body::parse(bad).has_value());
    EXPECT_EQ(Body::parse(bad).error().code, "invalid_json");
  }
}

}  // namespace
}  // namespace sotto::api
