// Objects as OpenAI's API has them; reasoning_content beside content is DeepSeek's convention.
// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"

namespace sotto::api {

namespace json = boost::json;

namespace {

constexpr const char* kOwner = "sotto";

json::object head_json(const AnswerHead& head, const char* object) {
  json::object out;
  out["id"] = head.id;
  out["object"] = object;
  out["created"] = head.created;
  out["model"] = head.model;
  out["system_fingerprint"] = "sotto-numerics-1";  // equal where the same seed gives the same bits
  return out;
}

json::value finish_json(const std::string& reason) {
  return reason.empty() ? json::value(nullptr) : json::value(reason);
}

json::value logprobs_json(const json::array& entries, bool wanted) {
  if (!wanted) return nullptr;
  json::object out;
  out["content"] = entries;
  out["refusal"] = nullptr;
  return out;
}

// Four parallel arrays, out of the entries that chats have.
json::value legacy_logprobs_json(const json::array& entries, bool wanted) {
  if (!wanted) return nullptr;
  json::array tokens, values, tops;
  for (const json::value& entry : entries) {
    const json::object& token = entry.get_object();
    tokens.push_back(token.at("token"));
    values.push_back(token.at("logprob"));
    json::object top;
    for (const json::value& other : token.at("top_logprobs").get_array()) {
      top[other.at("token").get_string()] = other.at("logprob");
    }
    tops.push_back(std::move(top));
  }
  json::object out;
  out["tokens"] = std::move(tokens);
  out["token_logprobs"] = std::move(values);
  out["top_logprobs"] = std::move(tops);
  return out;
}

json::object chunk(const AnswerHead& head, uint32_t index, json::object delta, json::value logprobs,
                   const std::string& finish) {
  json::object choice;
  choice["index"] = index;
  choice["delta"] = std::move(delta);
  choice["logprobs"] = std::move(logprobs);
  choice["finish_reason"] = finish_json(finish);
  json::object out = head_json(head, "chat.completion.chunk");
  out["choices"] = json::array{std::move(choice)};
  return out;
}

json::object call_json(const ToolCall& call) {
  json::object function, out;
  function["name"] = call.name;
  function["arguments"] = call.arguments;
  out["id"] = call.id;
  out["type"] = "function";
  out["function"] = std::move(function);
  return out;
}

json::array calls_json(const Choice& choice) {
  json::array out;
  for (const ToolCall& call : choice.calls) out.push_back(call_json(call));
  return out;
}

json::array call_deltas_json(const Choice& piece) {
  json::array out = calls_json(piece);
  uint32_t index = piece.calls_before;
  for (json::value& call : out) call.get_object()["index"] = index++;
  return out;
}

json::object bare_logprob(const text::Tokenizer& tokenizer, TokenId id, float logprob) {
  const std::string bytes = tokenizer.token_bytes(id, true);
  json::array numbers;
  for (const char byte : bytes) numbers.emplace_back(static_cast<uint8_t>(byte));
  text::Detokenizer whole(tokenizer, true);
  std::string shown = whole.push(id);
  shown += whole.finish();
  json::object out;
  out["token"] = shown;
  out["logprob"] = logprob;
  out["bytes"] = std::move(numbers);
  return out;
}

}  // namespace

json::object usage_json(const Usage& usage) {
  json::object prompt, completion, out;
  prompt["cached_tokens"] = usage.cached_tokens;
  completion["reasoning_tokens"] = usage.reasoning_tokens;
  out["prompt_tokens"] = usage.prompt_tokens;
  out["completion_tokens"] = usage.completion_tokens;
  out["total_tokens"] = usage.prompt_tokens + usage.completion_tokens;
  out["prompt_tokens_details"] = std::move(prompt);
  out["completion_tokens_details"] = std::move(completion);
  return out;
}

json::object chat_completion(const AnswerHead& head, std::span<const Choice> choices,
                             const Usage& usage, bool logprobs) {
  json::array array;
  for (const Choice& choice : choices) {
    json::object message, entry;
    message["role"] = "assistant";
    if (choice.content.empty() && !choice.calls.empty()) {
      message["content"] = nullptr;
    } else {
      message["content"] = choice.content;
    }
    if (!choice.calls.empty()) message["tool_calls"] = calls_json(choice);
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    message["refusal"] = nullptr;
    entry["index"] = choice.index;
    entry["message"] = std::move(message);
    entry["logprobs"] = logprobs_json(choice.logprobs, logprobs);
    entry["finish_reason"] = finish_json(choice.finish_reason);
    array.push_back(std::move(entry));
  }
  json::object out = head_json(head, "chat.completion");
  out["choices"] = std::move(array);
  out["usage"] = usage_json(usage);
  return out;
}

json::object chat_chunk_begin(const AnswerHead& head, uint32_t index) {
  json::object delta;
  delta["role"] = "assistant";
  delta["content"] = "";
  return chunk(head, index, std::move(delta), nullptr, "");
}

json::object chat_chunk(const AnswerHead& head, const Choice& piece, bool logprobs) {
  json::object delta;
  if (!piece.reasoning.empty()) delta["reasoning_content"] = piece.reasoning;
  if (!piece.content.empty()) delta["content"] = piece.content;
  if (!piece.calls.empty()) delta["tool_calls"] = call_deltas_json(piece);
  const bool with_logprobs = logprobs && !piece.logprobs.empty();
  return chunk(head, piece.index, std::move(delta), logprobs_json(piece.logprobs, with_logprobs),
               piece.finish_reason);
}

json::object chat_chunk_usage(const AnswerHead& head, const Usage& usage) {
  json::object out = head_json(head, "chat.completion.chunk");
  out["choices"] = json::array();
  out["usage"] = usage_json(usage);
  return out;
}

json::object text_completion(const AnswerHead& head, std::span<const Choice> choices,
                             const std::optional<Usage>& usage, bool logprobs) {
  json::array array;
  for (const Choice& choice : choices) {
    json::object entry;
    entry["index"] = choice.index;
    entry["text"] = choice.content;
    entry["logprobs"] = legacy_logprobs_json(choice.logprobs, logprobs);
    entry["finish_reason"] = finish_json(choice.finish_reason);
    array.push_back(std::move(entry));
  }
  json::object out = head_json(head, "text_completion");
  out["choices"] = std::move(array);
  if (usage) out["usage"] = usage_json(*usage);
  return out;
}

json::object token_logprob(const text::Tokenizer& tokenizer, const engine::Sampled& token) {
  json::object out = bare_logprob(tokenizer, token.id, token.logprob);
  json::array top;
  for (const engine::TokenLogprob& other : token.top) {
    top.push_back(bare_logprob(tokenizer, other.id, other.logprob));
  }
  out["top_logprobs"] = std::move(top);
  return out;
}

json::object model_json(const ModelEntry& model) {
  json::object out;
  out["id"] = model.id;
  out["object"] = "model";
  out["created"] = model.created;
  out["owned_by"] = kOwner;
  out["context_length"] = model.context;
  out["model_root"] = model.model_root;
  json::array files;
  for (const std::string& file : model.file_sha256) files.emplace_back(file);
  out["file_sha256"] = std::move(files);
  return out;
}

json::object models_json(std::span<const ModelEntry> models) {
  json::array data;
  for (const ModelEntry& model : models) data.push_back(model_json(model));
  json::object out;
  out["object"] = "list";
  out["data"] = std::move(data);
  return out;
}

}  // namespace sotto::api
