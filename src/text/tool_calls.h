// Function calls that a model writes into its answer, in the notations of the models that we serve.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::text {

enum class ToolFormat {
  hermes,  // <tool_call>{"name": …, "arguments": {…}}</tool_call>, as Qwen and Hermes write
  llama,   // the answer is {"name": …, "parameters": {…}}, as Llama 3.x writes
  deepseek,  // <｜tool▁calls▁begin｜>…function<｜tool▁sep｜>name ```json {…}```…, as DeepSeek R1 writes
};

// What a chat template says of tools.
struct ToolSupport {
  ToolFormat format = ToolFormat::hermes;
  bool lists_tools = false;     // it shows the model which tools there are
  bool shows_calls = false;     // it knows messages with tool_calls, and those of the role "tool"
  bool text_arguments = false;  // it wants a call's arguments as text, not as an object
};
ToolSupport tool_support(std::string_view template_source);

// Messages as a template can show them that does not know tools itself: what it cannot list is said in
// the system's message, and calls and their results become text. `messages` and `tools` as in OpenAI's
// API, arguments as text.
boost::json::array explain_tools(const ToolSupport& support, const boost::json::array& messages,
                                 const boost::json::array& tools);

struct ToolCall {
  std::string name;
  std::string arguments;  // a JSON object
};

struct ToolPiece {
  std::string content;
  std::vector<ToolCall> calls;  // whole ones
};

// One answer's content, one thread. A call is held back until it is complete; what looks like one and
// is not, is content after all. Nothing is lost: content and calls are everything that was pushed, but
// for markers and the white space around them.
class ToolCallSplitter {
 public:
  explicit ToolCallSplitter(ToolFormat format) : format_(format) {}

  ToolPiece push(std::string_view text);
  ToolPiece finish();

 private:
  void take_marked(ToolPiece& piece, bool is_end);
  void take_object(ToolPiece& piece, bool is_end);

  ToolFormat format_;
  bool began_ = false;   // of llama: the answer turned out to be no call
  bool called_ = false;  // a call has come
  std::string held_;
  size_t searched_ = 0;  // of it, for the end of a call
};

// The markers of a format that may be special tokens of a vocabulary, whose text an answer else lacks.
std::vector<std::string_view> tool_markers(ToolFormat format);

}  // namespace sotto::text
