// The events of a response: numbered in their order, each item opened before it grows and closed once.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>
#include <vector>

#include "api/answer_writer.h"

namespace sotto::api {
namespace {

namespace json = boost::json;

std::vector<json::object> events_of(const std::string& text) {
  std::vector<json::object> events;
  for (size_t at = text.find("data: "); at != text.npos; at = text.find("data: ", at)) {
    at += 6;
    const size_t end = text.find('\n', at);
    events.push_back(json::parse(text.substr(at, end - at)).get_object());
  }
  return events;
}

Choice piece(const char* reasoning, const char* content, const char* finish = "") {
  Choice made;
  made.reasoning = reasoning;
  made.content = content;
  made.finish_reason = finish;
  return made;
}

TEST(ResponsesWriter, tells_how_items_grow_in_order) {
  const auto writer = make_responses_writer({"resp_1", 1, "m"}, {});
  std::string text = writer->begin();
  text += writer->piece(piece("I ", ""));
  text += writer->piece(piece("think", "So"));
  Choice last = piece("", ".", "tool_calls");
  last.calls.push_back({"call_1", "f", "{}"});
  text += writer->piece(last);
  text += writer->end({});
  const std::vector<json::object> events = events_of(text);
  std::string kinds;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].at("sequence_number").as_int64(), static_cast<int64_t>(i));
    kinds += std::string(events[i].at("type").get_string().subview(9)) + "\n";
  }
  EXPECT_EQ(kinds,
            "created\nin_progress\n"
            "output_item.added\ncontent_part.added\nreasoning_text.delta\nreasoning_text.delta\n"
            "reasoning_text.done\ncontent_part.done\noutput_item.done\n"
            "output_item.added\ncontent_part.added\noutput_text.delta\noutput_text.delta\n"
            "output_text.done\ncontent_part.done\noutput_item.done\n"
            "output_item.added\nfunction_call_arguments.delta\nfunction_call_arguments.done\n"
            "output_item.done\n"
            "completed\n");
  const json::array& output = events.back().at("response").at("output").get_array();
  ASSERT_EQ(output.size(), 3u);
  EXPECT_EQ(output[0].at("content").at(0).at("text"), "I think");
  EXPECT_EQ(output[1].at("content").at(0).at("text"), "So.");
  EXPECT_EQ(output[2].at("call_id"), "call_1");
}

TEST(ResponsesWriter, has_a_message_even_where_nothing_was_said) {
  const auto writer = make_responses_writer({"resp_1", 1, "m"}, {});
  writer->begin();
  std::string text = writer->piece(piece("", "", "length"));
  text += writer->end({});
  const json::object response = events_of(text).back().at("response").get_object();
  EXPECT_EQ(response.at("status"), "incomplete");
  EXPECT_EQ(response.at("incomplete_details").at("reason"), "max_output_tokens");
  EXPECT_EQ(response.at("output").at(0).at("type"), "message");
}

}  // namespace
}  // namespace sotto::api
