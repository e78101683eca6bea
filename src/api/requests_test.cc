// Requests field by field: honoured, harmless, or refused by name.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "api/body.h"
#include "api/chat_request.h"
#include "api/completion_request.h"
#include "api/embeddings_request.h"
#include "api/responses_request.h"

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
      {R"("tools":[{}])", "tools[0].type"},
      {R"("tools":[{"type":"function"}])", "tools[0].function"},
      {R"("tools":[{"type":"function","function":{"name":"a b"}}])", "tools[0].function.name"},
      {R"("tools":[{"type":"function","function":{"name":"a","x":1}}])", "tools[0].function.x"},
      {R"("tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}])",
       "tools[1]"},
      {R"("tools":[{"type":"code_interpreter"}])", "tools[0].type"},
      {R"("functions":[{}])", "functions"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":{"type":"function","function":{"name":"f"}})", "tool_choice"},
      {R"("tool_choice":"sometimes")", "tool_choice"},
      {R"("response_format":{"type":"xml"})", "response_format.type"},
      {R"("response_format":{"type":"json_schema"})", "response_format.json_schema"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"x"}})",
       "response_format.json_schema.schema"},
      {R"("reasoning_effort":"huge")", "reasoning_effort"},
      {R"("max_reasoning_tokens":-1)", "max_reasoning_tokens"},
      {R"("grammar":1)", "grammar"},
      {R"("grammar":"root ::= \"x\"","response_format":{"type":"json_object"})", "grammar"},
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
       "messages[1].tool_call_id"},
      {R"("messages":[{"role":"user","content":5}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":"secret"}]}])",
       "messages[0].content[0].type"},
      {R"("messages":[{"role":"user","content":"x","SECRET secret":1}])", "messages[0].?"},
      {R"("messages":[{"role":"assistant","tool_calls":[{"id":"secret"}]}])",
       "messages[0].tool_calls[0].function"},
      {R"("messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"secret"}}]}])",
       "messages[0].tool_calls[0].function.arguments"},
  };
  for (const auto& [fields, param] : cases) {
    const auto request = chat(fields);
    ASSERT_FALSE(request.has_value()) << fields;
    EXPECT_EQ(request.error().param, param) << fields;
    EXPECT_EQ(request.error().message.find("secret"), std::string::npos) << fields;
  }
}

TEST(ChatRequest, takes_tools_formats_and_efforts) {
  const auto request =
      chat(kMessages +
           R"(,"tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,
      "parameters":{"type":"object"}}},{"type":"function","function":{"name":"g"}}],
      "tool_choice":{"type":"function","function":{"name":"g"}},"parallel_tool_calls":false,
      "reasoning_effort":"low","max_reasoning_tokens":7)");
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->tools.list.size(), 2u);
  EXPECT_EQ(request->tools.list[1].at("function").at("parameters").at("type"), "object");
  EXPECT_TRUE(request->tools.strict[0]);
  EXPECT_FALSE(request->tools.strict[1] || request->tools.parallel);
  EXPECT_EQ(request->tools.choice, ToolChoice::required);
  EXPECT_EQ(request->tools.only, "g");
  EXPECT_EQ(request->reasoning.tokens_max, 7u);
  const auto format = chat(
      kMessages +
      R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{}}})");
  ASSERT_TRUE(format.has_value()) << format.error().message;
  EXPECT_EQ(format->format.kind, OutputFormat::Kind::json_schema);
  EXPECT_TRUE(chat(kMessages + R"(,"reasoning_effort":"none")")->reasoning.off);
}

TEST(ChatRequest, takes_calls_and_their_results_back) {
  const auto request = chat(
      R"("messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":
      [{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
      {"role":"tool","tool_call_id":"c","content":"4"}])");
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_TRUE(request->messages[1].at("content").is_null());
  EXPECT_EQ(request->messages[1].at("tool_calls").at(0).at("function").at("arguments"),
            "{\"a\":1}");
  EXPECT_EQ(request->messages[2].at("role"), "tool");
}

ApiResult<ResponsesRequest> responses(const std::string& fields) {
  const ApiResult<Body> body = Body::parse("{" + fields + "}");
  if (!body) return std::unexpected(body.error());
  return read_responses_request(body->object());
}

TEST(ResponsesRequest, makes_a_chat_of_its_items) {
  const auto request = responses(
      R"("instructions":"be brief","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},
      {"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"t"}]},
      {"type":"message","role":"assistant","id":"m","status":"completed",
       "content":[{"type":"output_text","text":"b","annotations":[],"logprobs":[]}]},
      {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"c","output":"r"}],
      "text":{"format":{"type":"json_schema","name":"n","schema":{}}},"max_output_tokens":5,
      "tools":[{"type":"function","name":"f","parameters":{},"strict":true}],"tool_choice":"auto",
      "reasoning":{"effort":"minimal","summary":"auto"},"store":false,"metadata":{"k":"v"})");
  ASSERT_TRUE(request.has_value()) << request.error().message;
  const auto& messages = request->chat.messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].at("role"), "system");
  EXPECT_EQ(messages[1].at("content"), "a");
  EXPECT_EQ(messages[2].at("reasoning_content"), "t");
  EXPECT_EQ(messages[2].at("tool_calls").get_array().size(), 1u);
  EXPECT_EQ(messages[3].at("role"), "tool");
  EXPECT_EQ(request->chat.generation.tokens_max, 5u);
  EXPECT_EQ(request->chat.reasoning.tokens_max, 512u);
  EXPECT_EQ(request->echo.at("metadata").at("k"), "v");
}

TEST(ResponsesRequest, refuses_what_would_have_to_be_stored) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("input":"a","previous_response_id":"resp_1")", "previous_response_id"},
      {R"("input":"a","conversation":"c")", "conversation"},
      {R"("input":"a","prompt":{"id":"p"})", "prompt"},
      {R"("input":"a","background":true)", "background"},
      {R"("input":"a","store":true)", "store"},
      {R"("input":"a","truncation":"auto")", "truncation"},
      {R"("input":"a","include":["reasoning.encrypted_content"])", "include"},
      {R"("input":"a","tools":[{"type":"web_search"}])", "tools[0].type"},
      {R"("input":[{"type":"item_reference","id":"x"}])", "input[0].type"},
      {R"("input":[{"role":"user","content":[{"type":"input_image"}]}])",
       "input[0].content[0].type"},
      {R"("input":[])", "input"},
      {R"("instructions":"x")", "input"},
      {R"("input":"a","n":2)", "n"},
  };
  for (const auto& [fields, param] : cases) {
    const auto request = responses(fields);
    ASSERT_FALSE(request.has_value()) << fields;
    EXPECT_EQ(request.error().param, param) << fields;
    EXPECT_EQ(request.error().status, 400u);
  }
}

TEST(EmbeddingsRequest, takes_inputs_and_makes_vectors) {
  const auto read = [](const char* text) {
    const ApiResult<Body> body = Body::parse(text);
    return read_embeddings_request(body->object());
  };
  EXPECT_EQ(read(R"({"input":["a",[1,2]],"encoding_format":"base64"})")->inputs.size(), 2u);
  EXPECT_EQ(read(R"({"input":"a","dimensions":5})").error().param, "dimensions");
  EXPECT_EQ(read("{}").error().param, "input");
  const std::vector<float> vectors[] = {{1.0f, -2.0f}};
  const auto numbers = embeddings_json("m", vectors, false, 3);
  EXPECT_EQ(numbers.at("data").at(0).at("embedding").at(1), -2.0);
  // 00 00 80 3f 00 00 00 c0
  EXPECT_EQ(embeddings_json("m", vectors, true, 3).at("data").at(0).at("embedding"),
            "AACAPwAAAMA=");
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
