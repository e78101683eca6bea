// Many requests on one model at once: submit a request, read its tokens as they come.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "engine/sampler.h"
#include "model/model.h"

namespace sotto::engine {

struct Request {
  std::vector<TokenId> prompt;  // at least one token
  uint64_t tenant = 0;          // on whose behalf; tenants take turns when places are scarce
  uint32_t tokens_max = 0;      // to generate at most; 0: as many as the context has room for
  SamplingParams sampling;
  std::vector<TokenId> stop_tokens;        // end the answer; the token itself is not delivered
  std::shared_ptr<Constraint> constraint;  // none: whatever the model says
  // Nothing is generated: Finish has the mean of the prompt's last hidden states.
  bool embed = false;
};

enum class FinishReason { stop, length, cancelled };

struct Finish {
  FinishReason reason;
  uint32_t prompt_tokens;
  // Delivered tokens: neither the stop token counts nor what cancel() dropped.
  uint32_t generated_tokens;
  std::chrono::nanoseconds prompt_time;    // from admission to the first token
  std::chrono::nanoseconds generate_time;  // from the first token to the last
  std::chrono::nanoseconds queue_time;
  // Of a request to embed: as wide as the model, of length 1.
  SecretVector<float> embedding;
};

// The consumer's end of one request. Movable; destroying it cancels the request. One thread at a
// time reads; cancel() may be called from any thread.
class TokenStream {
 public:
  TokenStream(TokenStream&&) noexcept;
  TokenStream& operator=(TokenStream&&) noexcept;
  ~TokenStream();

  // Waits for the next token; nothing when the answer is over (then finish() is set). A consumer
  // that reads slower than the model writes pauses only its own sequence, after
  // `stream_tokens_max`.
  Result<std::optional<Sampled>> next();
  // Moves the tokens that are there to the end of `tokens`, without waiting. True when the answer is
  // over and nothing will follow (then finish() is set); its error, if it has one, comes after its
  // last token.
  Result<bool> take(SecretVector<Sampled>& tokens);
  // Calls once when take() has something new to tell, at once if it has already. It is called with
  // the engine's lock held, so it may hand the news on to another thread and do nothing else. An
  // empty function takes the last one back: after that it is not called any more.
  void on_ready(std::function<void()> callback);
  // Frees the sequence within one step of the engine and drops what was not read yet; next() then
  // ends the stream.
  void cancel();
  // Of the prompt, how many tokens an earlier request had left computed; known with the first token.
  uint32_t cached_tokens() const;
  // Nothing before next() came to the end, or when the answer ended with an error.
  const std::optional<Finish>& finish() const;

  struct State;

 private:
  friend class Engine;
  explicit TokenStream(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// Whether tokens are guessed ahead, several of which a step can then confirm. Answers are the same
// bits in any case [docs/internals/speculation.md].
enum class Speculation {
  off,
  automatic,  // where it makes the step at hand faster, going by measured times
  always,     // whenever there is a guess: for tests, and to measure with
};

inline constexpr uint32_t kDraftTokensDefault = 15;

struct EngineOptions {
  uint32_t sequences_max = 16;            // running at once
  uint32_t queue_max = 64;                // waiting for a place
  uint32_t sequences_per_tenant_max = 0;  // running at once for one tenant; 0: sequences_max
  uint32_t context = 4096;       // positions of one request, at most; the model's bound it too
  uint64_t cache_positions = 0;  // of all sequences together; 0: cache_requests times the context
  uint32_t cache_requests = 1;
  bool prefix_cache = true;     // prompts of one tenant share what they begin with
  uint32_t prompt_chunk = 256;  // prompt tokens per step, of all sequences together
  uint32_t stream_tokens_max = 256;
  model::KvType kv_type = model::KvType::F16;
  Speculation speculation = Speculation::automatic;
  // Tokens guessed ahead for one sequence, at most. Those of all sequences also have to fit what the
  // model's logit_rows_max and batch_tokens_max leave beside one token of each running sequence.
  uint32_t draft_tokens_max = kDraftTokensDefault;
};

struct EngineStats {
  uint64_t requests = 0;
  uint64_t prompt_tokens = 0;  // computed
  uint64_t cached_tokens = 0;  // of prompts, taken from earlier ones
  uint64_t generated_tokens = 0;
  uint64_t drafted_tokens = 0;   // guessed ahead
  uint64_t accepted_tokens = 0;  // of these the ones that were right: generated_tokens has them too
  uint32_t running = 0;
  uint32_t waiting = 0;
  uint32_t pages = 0;
  uint32_t pages_free = 0;
  uint32_t pages_cached = 0;  // neither free nor needed: they give way
};

// Owns the thread that calls the model. All methods may be called from any thread.
class Engine {
 public:
  // The model must outlive the engine, and nobody else may call its forward() meanwhile.
  // `malformed` names an option that is out of the model's limits, `exhausted` is the memory.
  static Result<std::unique_ptr<Engine>> create(model::Model& model, const EngineOptions& options);
  ~Engine();  // cancels what runs and joins the thread

  // `malformed`: an empty prompt, a bad token or parameter. `exhausted`: prompt plus tokens_max do
  // not fit the context (with both numbers), or the queue is full.
  Result<TokenStream> submit(Request request);

  EngineStats stats() const;
  // As they are in effect: with the context that the model has, and the cache's size.
  const EngineOptions& options() const;

  struct Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto::engine
