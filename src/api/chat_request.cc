// Messages, and the fields that only chats have.
// SPDX-License-Identifier: Apache-2.0
#include "api/chat_request.h"

namespace sotto::api {

namespace json = boost::json;

namespace {

// A string, or an array of text parts, which are joined.
ApiResult<std::string> read_content(Fields& message) {
  const json::value* value = message.take("content");
  const std::string name = message.name_of("content");
  if (value == nullptr) return std::string();
  if (value->is_string()) return std::string(value->get_string());
  if (!value->is_array()) return invalid(name, "{} is neither a string nor an array", name);
  std::string text;
  size_t index = 0;
  for (const json::value& part : value->get_array()) {
    const std::string path = fmt::format("{}[{}]", name, index++);
    if (!part.is_object()) return invalid(path, "{} is not an object", path);
    Fields fields(part.get_object(), path);
    const auto type = TRY(fields.string("type", 64));
    if (type != "text") {
      return unsupported(path + ".type", "{}.type: of content parts only text is supported", path);
    }
    text += TRY(fields.string("text", kMessageBytesMax)).value_or("");
    TRY(fields.done());
  }
  return text;
}

ApiResult<json::object> read_message(const json::value& value, size_t index) {
  const std::string path = fmt::format("messages[{}]", index);
  if (!value.is_object()) return invalid(path, "{} is not an object", path);
  Fields fields(value.get_object(), path);
  const auto role = TRY(fields.word("role", {"system", "developer", "user", "assistant", "tool"}));
  if (!role) return invalid(path + ".role", "{}.role is missing", path);
  if (*role == "tool") {
    return unsupported(path + ".role", "{}.role: tools are not supported", path);
  }
  TRY(fields.refuse("tool_calls", "tools are not"));
  TRY(fields.refuse("function_call", "tools are not"));
  TRY(fields.refuse("audio", "only text is"));
  json::object message;
  message["role"] = *role == "developer" ? "system" : *role;
  message["content"] = TRY(read_content(fields));
  if (const auto name = TRY(fields.string("name", 256))) message["name"] = *name;
  fields.harmless({"refusal", "annotations"});  // what our own answers have, given back
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

ApiResult<void> read_response_format(Fields& fields) {
  const json::object* object = TRY(fields.object("response_format"));
  if (object == nullptr) return {};
  Fields inner(*object, "response_format");
  const auto type = TRY(inner.string("type", 64));
  if (type == "text") return inner.done();
  return unsupported("response_format", "response_format: only the type text is supported");
}

ApiResult<void> refuse_what_is_not_there(Fields& fields) {
  for (const char* field : {"tools", "functions"}) {
    const json::array* none = TRY(fields.array(field, 1024));  // which clients send as well
    if (none != nullptr && !none->empty()) {
      return unsupported(field, "{} is not supported: this server has no tools", field);
    }
  }
  TRY(fields.word("tool_choice", {"none", "auto"}));
  TRY(fields.word("function_call", {"none", "auto"}));
  for (const char* field : {"audio", "prediction", "web_search_options", "moderation"}) {
    TRY(fields.refuse(field, "this server has nothing like it"));
  }
  TRY(fields.refuse("reasoning_effort", "how long a model thinks cannot be set"));
  TRY(fields.refuse("max_reasoning_tokens", "how long a model thinks cannot be set"));
  TRY(fields.refuse("grammar", "answers cannot be held to a grammar"));
  TRY(fields.word("verbosity", {"medium"}));
  fields.harmless({"parallel_tool_calls"});  // without tools
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
  TRY(read_response_format(fields));
  if (const json::object* variables = TRY(fields.object("chat_template_kwargs"))) {
    request.template_variables = *variables;
  }
  TRY(refuse_what_is_not_there(fields));
  TRY(fields.done());
  return request;
}

}  // namespace sotto::api
