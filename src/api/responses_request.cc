// Input items become messages, settings become those of a chat.
// SPDX-License-Identifier: Apache-2.0
#include "api/responses_request.h"

#include <utility>

namespace sotto::api {

namespace json = boost::json;

namespace {

constexpr size_t kIdMax = 256;

ApiResult<json::object> read_message_item(Fields& fields) {
  const std::string path = fields.name_of("role");
  const auto role = TRY(fields.word("role", {"system", "developer", "user", "assistant"}));
  if (!role) return invalid(path, "{} is missing", path);
  json::object message;
  message["role"] = *role == "developer" ? "system" : *role;
  message["content"] = TRY(read_text(fields, "content", {"input_text", "output_text", "text"}));
  fields.harmless({"id", "status", "phase"});  // what our own answers have, given back
  TRY(fields.done());
  return message;
}

ApiResult<json::object> read_call_item(Fields& fields) {
  fields.harmless({"id", "status"});
  const auto id = TRY(fields.string("call_id", kIdMax));
  json::object message;
  message["role"] = "assistant";
  message["content"] = nullptr;
  message["tool_calls"] = json::array{TRY(read_call(fields, id.value_or("")))};
  return message;
}

ApiResult<json::object> read_output_item(Fields& fields) {
  fields.harmless({"id", "status"});
  const auto id = TRY(fields.string("call_id", kIdMax));
  if (!id) return invalid(fields.name_of("call_id"), "{} is missing", fields.name_of("call_id"));
  json::object message;
  message["role"] = "tool";
  message["tool_call_id"] = *id;
  message["content"] = TRY(read_text(fields, "output", {"input_text", "output_text", "text"}));
  TRY(fields.done());
  return message;
}

// What the model thought, given back: for the message that follows.
ApiResult<std::string> read_reasoning_item(Fields& fields) {
  fields.harmless({"id", "status", "summary"});
  TRY(fields.refuse("encrypted_content", "reasoning is not encrypted here"));
  std::string text = TRY(read_text(fields, "content", {"reasoning_text"}));
  TRY(fields.done());
  return text;
}

// Calls of one turn come as items of their own; in a chat they stand in one message.
void add_message(json::array& messages, json::object message) {
  const bool joins = message.contains("tool_calls") && !messages.empty() &&
                     messages.back().at("role") == "assistant";
  if (!joins) {
    messages.push_back(std::move(message));
    return;
  }
  json::object& last = messages.back().get_object();
  if (!last.contains("tool_calls")) last["tool_calls"] = json::array();
  for (json::value& call : message["tool_calls"].get_array()) {
    last["tool_calls"].get_array().push_back(std::move(call));
  }
}

ApiResult<void> read_items(const json::array& items, json::array& messages) {
  std::string thought;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string path = fmt::format("input[{}]", i);
    if (!items[i].is_object()) return invalid(path, "{} is not an object", path);
    Fields fields(items[i].get_object(), path);
    const std::string type = TRY(fields.string("type", 64)).value_or("message");
    if (type == "reasoning") {
      thought = TRY(read_reasoning_item(fields));
      continue;
    }
    json::object message;
    if (type == "message") {
      message = TRY(read_message_item(fields));
    } else if (type == "function_call") {
      message = TRY(read_call_item(fields));
    } else if (type == "function_call_output") {
      message = TRY(read_output_item(fields));
    } else {
      return unsupported(path + ".type", "{}.type: items of this type are not supported", path);
    }
    if (!thought.empty() && message["role"] == "assistant") message["reasoning_content"] = thought;
    thought.clear();
    add_message(messages, std::move(message));
  }
  return {};
}

ApiResult<json::array> read_input(Fields& fields) {
  json::array messages;
  if (const auto text = TRY(fields.string("instructions", kMessageBytesMax))) {
    messages.push_back(json::object{{"role", "system"}, {"content", *text}});
  }
  const json::value* input = fields.take("input");
  if (input != nullptr && input->is_string()) {
    messages.push_back(json::object{{"role", "user"}, {"content", input->get_string()}});
  } else if (input != nullptr && input->is_array() && input->get_array().size() <= kMessagesMax) {
    TRY(read_items(input->get_array(), messages));
  } else {
    return invalid("input", "input is neither a text nor an array of at most {} items",
                   kMessagesMax);
  }
  if (messages.empty()) return invalid("input", "input has nothing in it");
  return messages;
}

ApiResult<void> read_include(Fields& fields, Generation& generation) {
  const json::array* include = TRY(fields.array("include", 16));
  for (size_t i = 0; include != nullptr && i < include->size(); ++i) {
    const json::value& item = (*include)[i];
    if (!item.is_string() || item.get_string() != "message.output_text.logprobs") {
      return unsupported("include", "include: only message.output_text.logprobs is supported");
    }
    generation.logprobs = true;
  }
  const auto top = TRY(fields.integer("top_logprobs", 0, engine::kTopLogprobsMax));
  if (top.value_or(0) > 0 && !generation.logprobs) {
    return invalid("top_logprobs", "top_logprobs needs message.output_text.logprobs in include");
  }
  generation.top_logprobs = static_cast<uint32_t>(top.value_or(0));
  return {};
}

ApiResult<void> refuse_what_is_stored(Fields& fields) {
  for (const char* field : {"previous_response_id", "conversation", "prompt"}) {
    TRY(fields.refuse(field, "nothing is stored here: send the whole input again"));
  }
  if (TRY(fields.boolean("background")).value_or(false)) {
    return unsupported("background", "background is not supported: nothing is stored here");
  }
  TRY(fields.refuse("context_management", "nothing is cut or summed up here"));
  TRY(fields.refuse("max_tool_calls", "this server runs no tools itself"));
  const auto truncation = TRY(fields.word("truncation", {"disabled", "auto"}));
  if (truncation.value_or("disabled") != "disabled") {
    return unsupported("truncation", "truncation: input is never cut here");
  }
  return {};
}

ApiResult<void> read_text_settings(Fields& fields, OutputFormat& format) {
  const json::object* object = TRY(fields.object("text"));
  if (object == nullptr) return {};
  Fields text(*object, "text");
  format = TRY(read_output_format(text, "format", false));
  TRY(text.word("verbosity", {"medium"}));
  return text.done();
}

ApiResult<Reasoning> read_reasoning(Fields& fields) {
  Reasoning reasoning;
  if (const json::object* object = TRY(fields.object("reasoning"))) {
    Fields inner(*object, "reasoning");
    reasoning = TRY(read_effort(inner, "effort"));
    inner.harmless({"summary", "generate_summary"});  // what is thought comes whole
    TRY(inner.done());
  }
  if (const auto budget = TRY(fields.integer("max_reasoning_tokens", 0, kTokensMax))) {
    reasoning.tokens_max = static_cast<uint32_t>(*budget);
  }
  return reasoning;
}

// What a response repeats of its request, with null and defaults where that said nothing.
json::object echo_of(const json::object& body, const ChatRequest& chat) {
  json::object echo;
  const auto repeat = [&](const char* field, json::value otherwise) {
    const json::value* value = body.if_contains(field);
    echo[field] = value != nullptr && !value->is_null() ? *value : std::move(otherwise);
  };
  repeat("instructions", nullptr);
  repeat("max_output_tokens", nullptr);
  repeat("metadata", json::object());
  repeat("temperature", nullptr);
  repeat("top_p", nullptr);
  repeat("text", json::object{{"format", json::object{{"type", "text"}}}});
  repeat("tool_choice", "auto");
  repeat("tools", json::array());
  echo["parallel_tool_calls"] = chat.tools.parallel;
  json::value effort = nullptr;
  if (!chat.reasoning.effort.empty()) effort = chat.reasoning.effort;
  echo["reasoning"] = json::object{{"effort", std::move(effort)}, {"summary", nullptr}};
  echo["previous_response_id"] = nullptr;
  echo["truncation"] = "disabled";
  echo["store"] = false;
  echo["user"] = nullptr;
  return echo;
}

}  // namespace

ApiResult<ResponsesRequest> read_responses_request(const json::object& body) {
  Fields fields(body, "");
  ResponsesRequest request;
  ChatRequest& chat = request.chat;
  TRY(refuse_what_is_stored(fields));
  chat.generation = TRY(read_generation(fields));
  if (chat.generation.choices != 1) return unsupported("n", "n: a response has one answer");
  chat.messages = TRY(read_input(fields));
  const auto most = TRY(fields.integer("max_output_tokens", 1, kTokensMax));
  chat.generation.tokens_max = static_cast<uint32_t>(most.value_or(0));
  TRY(read_include(fields, chat.generation));
  TRY(read_text_settings(fields, chat.format));
  TRY(read_grammar(fields, chat.format));
  chat.tools = TRY(read_tools(fields, ToolStyle::responses));
  chat.reasoning = TRY(read_reasoning(fields));
  if (const json::object* variables = TRY(fields.object("chat_template_kwargs"))) {
    chat.template_variables = *variables;
  }
  TRY(fields.done());
  TRY(check_together(chat));
  request.echo = echo_of(body, chat);
  return request;
}

}  // namespace sotto::api
