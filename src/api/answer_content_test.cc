// The same answer in one piece and in events says the same.
// SPDX-License-Identifier: Apache-2.0
#include "api/answer_content.h"

#include <gtest/gtest.h>

namespace sotto::api {
namespace {

TEST(AnswerContent, is_the_same_whole_and_in_events) {
  const auto whole = answer_content(
      R"({"object":"chat.completion","id":"1","choices":[{"index":0,"message":{"content":"ab","reasoning_content":"r",)"
      R"("tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]})");
  const auto events = answer_content(
      "data: "
      "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
      "\"a\",\"reasoning_content\":\"r\"}}]}\n\n"
      ": a comment\n\n"
      "data: "
      "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
      "\"b\",\"tool_calls\":[{\"index\":0,"
      "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}]}\n\n"
      "data: [DONE]\n\n");
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(*whole, *events);
  EXPECT_EQ(whole->at(0).content, "ab");
  EXPECT_EQ(whole->at(0).calls.at(0), "f {}");
}

TEST(AnswerContent, of_responses_is_that_of_the_last_event) {
  const std::string response =
      R"({"object":"response","status":"completed","output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"r"}]},)"
      R"({"type":"message","content":[{"type":"output_text","text":"said"}]},{"type":"function_call","name":"f","arguments":"{}"}]})";
  const auto whole = answer_content(response);
  const auto events = answer_content(
      "event: response.created\ndata: {\"type\":\"response.created\"}\n\n"
      "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":" +
      response + "}\n\n");
  const auto incomplete =
      answer_content("data: {\"type\":\"response.incomplete\",\"response\":" + response + "}\n\n");
  ASSERT_TRUE(whole && events && incomplete);
  EXPECT_EQ(*whole, *events);
  EXPECT_EQ(*whole, *incomplete);
  EXPECT_EQ(whole->at(0).content, "said");
  EXPECT_EQ(whole->at(0).reasoning, "r");
}

TEST(AnswerContent, refuses_what_is_no_answer) {
  for (const char* body :
       {"", "{}", "[]", "data: [DONE]\n\n", "{", R"({"error":{"message":"x"}})",
        R"({"object":"chat.completion","choices":[{"index":-1}]})",
        R"({"object":"chat.completion","choices":[{"index":99999999}]})", "data: x\n\n"}) {
    EXPECT_FALSE(answer_content(body)) << body;
  }
}

}  // namespace
}  // namespace sotto::api
