// Messages, and the fields that only chats have.
// SPDX-License-Identifier: Apache-2.0
#include "api/chat_request.h"

#include <algorithm>
#include <boost/json/parse.hpp>

namespace sotto::api {

namespace json = boost::json;

namespace {

constexpr size_t kCallsMax = 128;
constexpr size_t kIdMax = 256;

ApiResult<json::array> read_calls(const json::array& array, const std::string& name) {
  json::array calls;
  for (size_t i = 0; i < array.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", name, i);
    if (!array[i].is_object()) return invalid(path, "{} is not an object", path);
    Fields fields(array[i].get_object(), path);
    const auto type = TRY(fields.string("type", 64));
    if (type.value_or("function") != "function") {
      return unsupported(path + ".type", "{}.type: only functions are called", path);
    }
    fields.harmless({"index"});  // of a streamed call, given back
    const auto id = TRY(fields.string("id", kIdMax));
    const json::object* function = TRY(fields.object("function"));
    if (function == nullptr) return invalid(path + ".function", "{}.function is missing", path);
    TRY(fields.done());
    Fields inner(*function, path + ".function");
    calls.emplace_back(TRY(read_call(inner, id.value_or(""))));
  }
  return calls;
}

ApiResult<json::object> read_message(const json::value& value, size_t index) {
  const std::string path = fmt::format("messages[{}]", index);
  if (!value.is_object()) return invalid(path, "{} is not an object", path);
  Fields fields(value.get_object(), path);
  const auto role = TRY(fields.word("role", {"system", "developer", "user", "assistant", "tool"}));
  if (!role) return invalid(path + ".role", "{}.role is missing", path);
  TRY(fields.refuse("function_call", "use tool_calls"));
  TRY(fields.refuse("audio", "only text is"));
  json::object message;
  message["role"] = *role == "developer" ? "system" : *role;
  message["content"] = TRY(read_text(fields, "content", {"text"}));
  if (const auto name = TRY(fields.string("name", 256))) message["name"] = *name;
  if (*role == "tool") {
    const auto id = TRY(fields.string("tool_call_id", kIdMax));
    if (!id) return invalid(path + ".tool_call_id", "{}.tool_call_id is missing", path);
    message["tool_call_id"] = *id;
  }
  if (*role == "assistant") {
    const json::array* calls = TRY(fields.array("tool_calls", kCallsMax));
    if (calls != nullptr && !calls->empty()) {
      message["tool_calls"] = TRY(read_calls(*calls, path + ".tool_calls"));
      // Templates tell a turn that only calls by its content being none.
      if (message["content"].get_string().empty()) message["content"] = nullptr;
    }
  }
  // What our own answers have, and what OpenAI's client adds to them, given back.
  fields.harmless({"refusal", "annotations", "parsed"});
  if (const auto thought = TRY(fields.string("reasoning_content", kMessageBytesMax))) {
    message["reasoning_content"] = *thought;
  }
  TRY(fields.done());
  return message;
}

ApiResult<json::array> read_messages(Fields& fields) {
  const json::array* array = TRY(fields.array("messages", kMessagesMax));
  if (array == nullptr || array->empty()) {
    return invalid("messages", "messages is missing, or has none");
  }
  json::array messages;
  for (size_t i = 0; i < array->size(); ++i) {
    messages.emplace_back(TRY(read_message((*array)[i], i)));
  }
  return messages;
}

ApiResult<void> refuse_what_is_not_there(Fields& fields) {
  const json::array* functions = TRY(fields.array("functions", 1024));
  if (functions != nullptr && !functions->empty()) {
    return unsupported("functions", "functions is not supported: use tools");
  }
  TRY(fields.word("function_call", {"none", "auto"}));
  for (const char* field : {"audio", "prediction", "web_search_options", "moderation"}) {
    TRY(fields.refuse(field, "this server has nothing like it"));
  }
  TRY(fields.word("verbosity", {"medium"}));
  const json::array* modalities = TRY(fields.array("modalities", 8));
  if (modalities == nullptr) return {};
  for (const json::value& modality : *modalities) {
    if (!modality.is_string() || modality.get_string() != "text") {
      return unsupported("modalities", "modalities: only text is supported");
    }
  }
  return {};
}

}  // namespace

ApiResult<std::string> read_text(Fields& fields, std::string_view field,
                                 std::initializer_list<std::string_view> part_types) {
  const json::value* value = fields.take(field);
  const std::string name = fields.name_of(field);
  if (value == nullptr) return std::string();
  if (value->is_string()) return std::string(value->get_string());
  if (!value->is_array()) return invalid(name, "{} is neither a string nor an array", name);
  std::string text;
  size_t index = 0;
  for (const json::value& item : value->get_array()) {
    const std::string path = fmt::format("{}[{}]", name, index++);
    if (!item.is_object()) return invalid(path, "{} is not an object", path);
    Fields part(item.get_object(), path);
    const auto type = TRY(part.string("type", 64));
    if (std::find(part_types.begin(), part_types.end(), type) == part_types.end()) {
      return unsupported(path + ".type", "{}.type: of content parts only text is supported", path);
    }
    text += TRY(part.string("text", kMessageBytesMax)).value_or("");
    part.harmless({"annotations", "logprobs", "parsed"});  // of our own answers, given back
    TRY(part.done());
  }
  return text;
}

ApiResult<json::object> read_call(Fields& function, std::string id) {
  const std::string path = function.name_of("arguments");
  const auto name = TRY(function.string("name", kToolNameMax));
  if (!name) return invalid(function.name_of("name"), "{} is missing", function.name_of("name"));
  const auto arguments = TRY(function.string("arguments", kMessageBytesMax));
  function.harmless({"parsed_arguments"});  // which OpenAI's client adds
  boost::system::error_code error;
  const json::value parsed = json::parse(arguments.value_or("{}"), error);
  if (error || !parsed.is_object()) {
    return invalid(path, "{} is not the text of a JSON object", path);
  }
  TRY(function.done());
  json::object inner, call;
  inner["name"] = *name;
  inner["arguments"] = arguments.value_or("{}");
  call["id"] = std::move(id);
  call["type"] = "function";
  call["function"] = std::move(inner);
  return call;
}

ApiResult<void> check_together(const ChatRequest& request) {
  const bool formatted = request.format.kind != OutputFormat::Kind::text;
  if (formatted && request.tools.choice == ToolChoice::required) {
    return invalid("tool_choice", "an answer that has to be a call cannot have another format");
  }
  return {};
}

ApiResult<ChatRequest> read_chat_request(const json::object& body) {
  Fields fields(body, "");
  ChatRequest request;
  request.generation = TRY(read_generation(fields));
  request.messages = TRY(read_messages(fields));
  Generation& generation = request.generation;
  const auto old_max = TRY(fields.integer("max_tokens", 1, kTokensMax));
  const auto new_max = TRY(fields.integer("max_completion_tokens", 1, kTokensMax));
  generation.tokens_max = static_cast<uint32_t>(new_max.value_or(old_max.value_or(0)));
  generation.logprobs = TRY(fields.boolean("logprobs")).value_or(false);
  const auto top = TRY(fields.integer("top_logprobs", 0, engine::kTopLogprobsMax));
  if (top && !generation.logprobs) {
    return invalid("top_logprobs", "top_logprobs needs logprobs to be true");
  }
  generation.top_logprobs = static_cast<uint32_t>(top.value_or(0));
  request.format = TRY(read_output_format(fields, "response_format", true));
  TRY(read_grammar(fields, request.format));
  request.tools = TRY(read_tools(fields, ToolStyle::chat));
  request.reasoning = TRY(read_effort(fields, "reasoning_effort"));
  if (const auto budget = TRY(fields.integer("max_reasoning_tokens", 0, kTokensMax))) {
    request.reasoning.tokens_max = static_cast<uint32_t>(*budget);
  }
  if (const json::object* variables = TRY(fields.object("chat_template_kwargs"))) {
    request.template_variables = *variables;
  }
  TRY(refuse_what_is_not_there(fields));
  TRY(fields.done());
  TRY(check_together(request));
  return request;
}

}  // namespace sotto::api
