// The choices of one request as they are generated: from the engine's tokens to pieces of text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "api/answers.h"
#include "api/error.h"
#include "api/generation.h"
#include "engine/answer.h"
#include "engine/host.h"
#include "serve/http.h"

namespace sotto::serve {

// Lives on one executor. Ending it, or cancel(), frees its sequences within one step of the engine.
class Answering {
 public:
  // Submits `generation.choices` requests for each prompt: choice i of prompt p is number
  // p * choices + i, and has the seed `seed` + that number. Status 400 when a prompt and what may be
  // generated do not fit the context, 429 when the queue is full.
  static api::ApiResult<std::unique_ptr<Answering>> begin(boost::asio::any_io_executor executor,
                                                          engine::Host& host,
                                                          std::span<const engine::Prompt> prompts,
                                                          const api::Generation& generation,
                                                          const engine::SamplingParams& base,
                                                          uint64_t seed, uint64_t tenant);

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
    bool over = false;
  };

  Answering(boost::asio::any_io_executor executor, engine::Host& host,
            const api::Generation& generation);
  api::ApiResult<void> advance(Stream& stream, std::vector<api::Choice>& pieces);
  void push(Stream& stream, const engine::Sampled& token, api::Choice& piece);
  void end(Stream& stream, api::Choice& piece, const char* reason);

  engine::Host& host_;
  const bool logprobs_;
  const std::shared_ptr<boost::asio::steady_timer> wake_;  // cancelled when there is news
  std::vector<Stream> streams_;
  SecretVector<engine::Sampled> tokens_;
  api::Usage usage_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::duration<double> first_token_time_{0};
  std::chrono::duration<double> queue_time_{0};
};

}  // namespace sotto::serve
