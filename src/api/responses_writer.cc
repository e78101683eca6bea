// Responses: items of output, and the events that tell how they grow.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "api/answer_writer.h"
#include "api/sse.h"

namespace sotto::api {

namespace json = boost::json;

namespace {

json::object usage_of(const Usage& usage) {
  json::object out;
  out["input_tokens"] = usage.prompt_tokens;
  out["input_tokens_details"] = json::object{{"cached_tokens", usage.cached_tokens}};
  out["output_tokens"] = usage.completion_tokens;
  out["output_tokens_details"] = json::object{{"reasoning_tokens", usage.reasoning_tokens}};
  out["total_tokens"] = usage.prompt_tokens + usage.completion_tokens;
  return out;
}

// The part of an item that has text: of a message, or of what was thought.
json::object text_part(bool reasoning, const std::string& text, const json::array& logprobs) {
  json::object part;
  part["type"] = reasoning ? "reasoning_text" : "output_text";
  part["text"] = text;
  if (reasoning) return part;
  part["annotations"] = json::array();
  part["logprobs"] = logprobs;
  return part;
}

// Events are numbered as they are made, so one expression makes only one of them.
class ResponsesWriter final : public AnswerWriter {
 public:
  ResponsesWriter(AnswerHead head, json::object echo)
      : head_(std::move(head)), echo_(std::move(echo)) {}

  json::object whole(std::span<const Choice> choices, const Usage& usage) override {
    const Choice& choice = choices.front();
    if (!choice.reasoning.empty()) {
      open(true);
      text_ = choice.reasoning;
      close();
    }
    if (!choice.content.empty() || choice.calls.empty()) {
      open(false);
      text_ = choice.content;
      logprobs_ = choice.logprobs;
      close();
    }
    for (const ToolCall& call : choice.calls) output_.push_back(call_item(call, "completed"));
    finish_ = choice.finish_reason;
    return response(status(), usage_of(usage));
  }

  std::string begin() override {
    std::string events = response_event("response.created", response("in_progress", nullptr));
    events += response_event("response.in_progress", response("in_progress", nullptr));
    return events;
  }

  std::string piece(const Choice& piece) override {
    std::string events;
    if (!piece.reasoning.empty()) events += grow(true, piece.reasoning, {});
    if (!piece.content.empty()) events += grow(false, piece.content, piece.logprobs);
    for (const ToolCall& call : piece.calls) events += call_events(call);
    if (!piece.finish_reason.empty()) {
      finish_ = piece.finish_reason;
      if (output_.empty() && item_ == Item::none) events += open(false);
      events += close();
    }
    return events;
  }

  std::string end(const Usage& usage) override {
    const std::string name =
        status() == std::string_view("completed") ? "response.completed" : "response.incomplete";
    return response_event(name, response(status(), usage_of(usage)));
  }

  std::string fail(const ApiError& error) override {
    json::object out = response("failed", nullptr);
    out["error"] = json::object{{"code", error.code}, {"message", error.message}};
    return response_event("response.failed", std::move(out));
  }

 private:
  enum class Item { none, reasoning, message };

  const char* status() const { return finish_ == "length" ? "incomplete" : "completed"; }

  json::object response(const char* status, json::value usage) const {
    json::object out;
    out["id"] = head_.id;
    out["object"] = "response";
    out["created_at"] = head_.created;
    out["status"] = status;
    out["error"] = nullptr;
    out["incomplete_details"] = nullptr;
    if (status == std::string_view("incomplete")) {
      out["incomplete_details"] = json::object{{"reason", "max_output_tokens"}};
    }
    out["model"] = head_.model;
    out["output"] = output_;
    out["usage"] = std::move(usage);
    for (const auto& [field, value] : echo_) out[field] = value;
    return out;
  }

  std::string event(std::string_view name, json::object body) {
    body["type"] = name;
    body["sequence_number"] = sequence_++;
    return sse_event(json::serialize(body), name);
  }
  std::string response_event(std::string_view name, json::object response) {
    return event(name, json::object{{"response", std::move(response)}});
  }
  // An event about the item that is being written.
  std::string item_event(std::string_view name, json::object body) {
    body["output_index"] = output_.size();
    body["item_id"] = item_id_;
    return event(name, std::move(body));
  }
  std::string part_event(std::string_view name, json::object body) {
    body["content_index"] = 0;
    return item_event(name, std::move(body));
  }

  json::object item(const char* status) const {
    const bool reasoning = item_ == Item::reasoning;
    json::object out;
    out["id"] = item_id_;
    out["type"] = reasoning ? "reasoning" : "message";
    out["status"] = status;
    json::array content;
    if (status == std::string_view("completed")) {
      content.push_back(text_part(reasoning, text_, logprobs_));
    }
    out["content"] = std::move(content);
    if (reasoning) {
      out["summary"] = json::array();
    } else {
      out["role"] = "assistant";
    }
    return out;
  }

  std::string next_id(const char* prefix) const {
    return prefix + head_.id.substr(head_.id.find('_') + 1) + std::to_string(output_.size());
  }

  json::object call_item(const ToolCall& call, const char* status) const {
    json::object out;
    out["id"] = next_id("fc_");
    out["type"] = "function_call";
    out["status"] = status;
    out["call_id"] = call.id;
    out["name"] = call.name;
    out["arguments"] = status == std::string_view("completed") ? call.arguments : "";
    return out;
  }

  std::string open(bool reasoning) {
    item_ = reasoning ? Item::reasoning : Item::message;
    item_id_ = next_id(reasoning ? "rs_" : "msg_");
    text_.clear();
    logprobs_.clear();
    json::object added;
    added["output_index"] = output_.size();
    added["item"] = item("in_progress");
    std::string events = event("response.output_item.added", std::move(added));
    events += part_event("response.content_part.added",
                         json::object{{"part", text_part(reasoning, "", {})}});
    return events;
  }

  std::string grow(bool reasoning, const std::string& text, const json::array& logprobs) {
    std::string events;
    if (item_ != (reasoning ? Item::reasoning : Item::message)) {
      events = close();
      events += open(reasoning);
    }
    text_ += text;
    for (const json::value& entry : logprobs) logprobs_.push_back(entry);
    json::object delta;
    delta["delta"] = text;
    if (!reasoning) delta["logprobs"] = logprobs;
    events += part_event(reasoning ? "response.reasoning_text.delta" : "response.output_text.delta",
                         std::move(delta));
    return events;
  }

  std::string close() {
    if (item_ == Item::none) return {};
    const bool reasoning = item_ == Item::reasoning;
    json::object done;
    done["text"] = text_;
    if (!reasoning) done["logprobs"] = logprobs_;
    std::string events = part_event(
        reasoning ? "response.reasoning_text.done" : "response.output_text.done", std::move(done));
    events += part_event("response.content_part.done",
                         json::object{{"part", text_part(reasoning, text_, logprobs_)}});
    json::object whole = item("completed");
    json::object finished;
    finished["output_index"] = output_.size();
    finished["item"] = whole;
    events += event("response.output_item.done", std::move(finished));
    output_.push_back(std::move(whole));
    item_ = Item::none;
    return events;
  }

  std::string call_events(const ToolCall& call) {
    std::string events = close();
    item_id_ = next_id("fc_");
    const json::object whole = call_item(call, "completed");
    events += event(
        "response.output_item.added",
        json::object{{"output_index", output_.size()}, {"item", call_item(call, "in_progress")}});
    events += item_event("response.function_call_arguments.delta",
                         json::object{{"delta", call.arguments}});
    events += item_event("response.function_call_arguments.done",
                         json::object{{"name", call.name}, {"arguments", call.arguments}});
    events += event("response.output_item.done",
                    json::object{{"output_index", output_.size()}, {"item", whole}});
    output_.push_back(whole);
    return events;
  }

  const AnswerHead head_;
  const json::object echo_;
  uint64_t sequence_ = 0;
  json::array output_;  // items that are whole
  Item item_ = Item::none;
  std::string item_id_;
  std::string text_;
  json::array logprobs_;
  std::string finish_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_responses_writer(AnswerHead head, json::object echo) {
  return std::make_unique<ResponsesWriter>(std::move(head), std::move(echo));
}

}  // namespace sotto::api
