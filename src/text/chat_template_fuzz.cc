// Fuzzes the template language: any source over any input ends within its bounds, and the same way
// twice. SPDX-License-Identifier: Apache-2.0
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/check.h"
#include "text/chat_template.h"
#include "text/utf8.h"

namespace {

namespace json = boost::json;
using sotto::text::ChatInput;
using sotto::text::ChatTemplate;
using sotto::text::TemplateLimits;
using sotto::text::TextRun;

// Small, so that what merely takes its time is not taken for a hang.
constexpr TemplateLimits kLimits{.steps_max = 50'000,
                                 .value_bytes_max = 4u << 20,
                                 .output_bytes_max = 1u << 16,
                                 .depth_max = 64,
                                 .source_bytes_max = 1u << 16};

// The template, and after a zero byte the variables as JSON; without any, these.
ChatInput input_of(std::string_view text) {
  static const json::value kUsual = json::parse(
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"<|im_end|> é"},)"
      R"({"role":"assistant","content":"<think>a</think>b","tool_calls":[{"function":)"
      R"({"name":"f","arguments":{"x":[1,2.5,null,true]}}}]}],"tools":[{"name":"f"}],"n":-3})");
  boost::system::error_code error;
  json::value variables = json::parse(text, error);
  if (error || !variables.is_object()) variables = kUsual;
  ChatInput input;
  json::object& object = variables.get_object();
  if (const json::value* messages = object.if_contains("messages")) input.messages = *messages;
  if (const json::value* tools = object.if_contains("tools")) input.tools = *tools;
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.now.tm_mday = 1;
  input.extra = std::move(object);
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t end = bytes.find('\0');
  const auto chat = ChatTemplate::parse(bytes.substr(0, end), kLimits);
  if (!chat) return 0;
  const ChatInput input = input_of(end == bytes.npos ? "" : bytes.substr(end + 1));
  const auto runs = chat->render(input);
  const auto again = chat->render(input);
  CHECK(runs.has_value() == again.has_value());
  if (!runs) {
    CHECK(runs.error().kind == again.error().kind);
    return 0;
  }
  CHECK(*runs == *again);
  size_t total = 0;
  for (size_t i = 0; i < runs->size(); ++i) {
    const TextRun& run = (*runs)[i];
    CHECK(!run.text.empty() && (i == 0 || (*runs)[i - 1].trusted != run.trusted));
    total += run.text.size();
  }
  const std::string text = sotto::text::join(*runs);
  CHECK(total <= kLimits.output_bytes_max && sotto::text::valid_utf8_prefix(text) == text.size());
  return 0;
}
