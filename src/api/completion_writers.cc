// Chat and text completions, piece by piece.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json/serialize.hpp>
#include <utility>

#include "api/answer_writer.h"
#include "api/sse.h"

namespace sotto::api {

namespace json = boost::json;

namespace {

std::string event_of(const json::object& object) {
  return sse_event(json::serialize(object));
}

// What both have in common: one kind of event, and [DONE] at the end, unless it failed.
class CompletionWriter : public AnswerWriter {
 public:
  CompletionWriter(AnswerHead head, bool logprobs, bool include_usage)
      : head_(std::move(head)), logprobs_(logprobs), include_usage_(include_usage) {}

  std::string end(const Usage& usage) override {
    std::string events;
    if (include_usage_) events = event_of(last(usage));
    return events + sse_event("[DONE]");
  }
  std::string fail(const ApiError& error) override { return event_of(error.json()); }

 protected:
  virtual json::object last(const Usage& usage) const = 0;

  const AnswerHead head_;
  const bool logprobs_;

 private:
  const bool include_usage_;
};

class ChatWriter final : public CompletionWriter {
 public:
  ChatWriter(AnswerHead head, uint32_t choices, bool logprobs, bool include_usage)
      : CompletionWriter(std::move(head), logprobs, include_usage), choices_(choices) {}

  json::object whole(std::span<const Choice> choices, const Usage& usage) override {
    return chat_completion(head_, choices, usage, logprobs_);
  }
  std::string begin() override {
    std::string events;
    for (uint32_t i = 0; i < choices_; ++i) events += event_of(chat_chunk_begin(head_, i));
    return events;
  }
  std::string piece(const Choice& piece) override {
    return event_of(chat_chunk(head_, piece, logprobs_));
  }

 private:
  json::object last(const Usage& usage) const override { return chat_chunk_usage(head_, usage); }

  const uint32_t choices_;
};

class TextWriter final : public CompletionWriter {
 public:
  TextWriter(AnswerHead head, std::vector<std::string> begin, bool logprobs, bool include_usage)
      : CompletionWriter(std::move(head), logprobs, include_usage), begin_(std::move(begin)) {}

  json::object whole(std::span<const Choice> choices, const Usage& usage) override {
    std::vector<Choice> with_prompts(choices.begin(), choices.end());
    for (size_t i = 0; i < begin_.size(); ++i) with_prompts[i].content.insert(0, begin_[i]);
    return text_completion(head_, with_prompts, usage, logprobs_);
  }
  std::string begin() override {
    std::string events;
    for (size_t i = 0; i < begin_.size(); ++i) {
      Choice first;
      first.index = static_cast<uint32_t>(i);
      first.content = begin_[i];
      events += event_of(text_completion(head_, {&first, 1}, std::nullopt, false));
    }
    return events;
  }
  std::string piece(const Choice& piece) override {
    return event_of(
        text_completion(head_, {&piece, 1}, std::nullopt, logprobs_ && !piece.logprobs.empty()));
  }

 private:
  json::object last(const Usage& usage) const override {
    return text_completion(head_, {}, usage, false);
  }

  const std::vector<std::string> begin_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_chat_writer(AnswerHead head, uint32_t choices, bool logprobs,
                                               bool include_usage) {
  return std::make_unique<ChatWriter>(std::move(head), choices, logprobs, include_usage);
}

std::unique_ptr<AnswerWriter> make_text_writer(AnswerHead head, std::vector<std::string> begin,
                                               bool logprobs, bool include_usage) {
  return std::make_unique<TextWriter>(std::move(head), std::move(begin), logprobs, include_usage);
}

}  // namespace sotto::api
