// The choices of one request as they are generated: from the engine's tokens to pieces of text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/answers.h"
#include "api/error.h"
#include "api/generation.h"
#include "engine/answer.h"
#include "engine/answer_constraint.h"
#include "engine/host.h"
#include "serve/http.h"
#include "text/tool_calls.h"

namespace sotto::serve {

// What is asked of a model.
struct Question {
  std::vector<engine::Prompt> prompts;
  std::string prompt_field;  // what a prompt that is too long is called in errors: "messages"
  api::Generation generation;
  engine::SamplingParams base;  // where the request says nothing
  uint64_t seed = 0;            // where it has none
  uint64_t tenant = 0;
  // Of each answer, but for what its prompt says of thinking.
  engine::AnswerRules rules;
  std::optional<text::ToolFormat> calls;  // to look for; none: everything is content
  bool parallel_calls = true;             // false: the first call ends the answer
};

// Waiting on one executor for what the engine's thread has to tell.
class Wake {
 public:
  explicit Wake(boost::asio::any_io_executor executor)
      : timer_(std::make_shared<boost::asio::steady_timer>(std::move(executor))) {}

  // Before each stream is asked to tell; then wait() ends once one did.
  void prepare() { timer_->expires_at(boost::asio::steady_timer::time_point::max()); }
  void listen(engine::TokenStream& stream) const;
  Awaitable<void> wait();

 private:
  const std::shared_ptr<boost::asio::steady_timer> timer_;  // cancelled when there is news
};

// Lives on one executor. Ending it, or cancel(), frees its sequences within one step of the engine.
class Answering {
 public:
  // Submits `choices` requests for each prompt: choice i of prompt p is number p * choices + i, and has
  // the seed plus that number. Status 400 when a prompt and what may be generated do not fit the context,
  // 429 when the queue is full.
  static api::ApiResult<std::unique_ptr<Answering>> begin(boost::asio::any_io_executor executor,
                                                          engine::Host& host,
                                                          const Question& question);

  // Waits until some choice goes on or ends. Nothing when all have ended.
  Awaitable<api::ApiResult<std::vector<api::Choice>>> next();
  void cancel();

  const api::Usage& usage() const { return usage_; }
  // Since begin(); 0 before the first token.
  std::chrono::duration<double> first_token_time() const { return first_token_time_; }
  std::chrono::duration<double> queue_time() const { return queue_time_; }

 private:
  struct Stream {
    uint32_t index;
    engine::TokenStream tokens;
    engine::Answer text;
    std::optional<text::ToolCallSplitter> splitter;
    uint32_t calls = 0;
    bool first_of_prompt = false;
    uint32_t cached_tokens = 0;
    bool over = false;
  };

  Answering(boost::asio::any_io_executor executor, engine::Host& host, const Question& question);
  api::ApiResult<void> submit(const Question& question, const engine::Prompt& prompt);
  api::ApiResult<void> advance(Stream& stream, std::vector<api::Choice>& pieces);
  void push(Stream& stream, const engine::Sampled& token, api::Choice& piece);
  void add(Stream& stream, const text::AnswerPiece& text, api::Choice& piece, bool last);
  void end(Stream& stream, api::Choice& piece, const char* reason);

  engine::Host& host_;
  const bool logprobs_;
  const bool parallel_calls_;
  Wake wake_;
  std::vector<Stream> streams_;
  SecretVector<engine::Sampled> tokens_;
  api::Usage usage_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::duration<double> first_token_time_{0};
  std::chrono::duration<double> queue_time_{0};
};

// Status 400, with both numbers, when they do not fit the context.
api::ApiResult<void> check_length(const engine::Engine& engine, uint64_t prompt_tokens,
                                  uint64_t tokens_max, const std::string& field);

}  // namespace sotto::serve
