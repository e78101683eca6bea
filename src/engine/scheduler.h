// Who gets to compute next: the sequences that run, and one step of the model for all of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "base/secret_vector.h"
#include "engine/engine.h"
#include "engine/prefix_cache.h"
#include "engine/prompt_lookup.h"
#include "engine/speculation.h"
#include "model/kv_cache.h"

namespace sotto::engine {

using Clock = std::chrono::steady_clock;

// A request that was accepted, and where its tokens go.
struct Job {
  std::shared_ptr<TokenStream::State> stream;
  SecretVector<TokenId> prompt;
  uint64_t tenant = 0;
  uint32_t tokens_max = 0;  // at least 1, but for one to embed
  SamplingParams sampling;
  std::vector<TokenId> stop_tokens;
  std::shared_ptr<Constraint> constraint;
  bool embed = false;
  Clock::time_point submitted;

  uint32_t prompt_tokens() const { return static_cast<uint32_t>(prompt.size()); }
  uint32_t positions() const { return prompt_tokens() + tokens_max; }
};

// A job that has a place in the cache.
struct Active {
  Job job;
  model::Sequence sequence;
  Sampler sampler;
  Clock::time_point admitted;
  Clock::time_point first_token = {};
  Clock::time_point last_token = {};
  uint32_t prompt_done = 0;                 // tokens of the prompt that the model has seen
  uint32_t cached = 0;                      // of these the ones that the prefix cache had
  std::optional<PromptLookup> lookup = {};  // of all tokens so far; only where speculation is on
  SecretVector<TokenId> answer = {};        // generated tokens
  SecretVector<double> state_sum = {};      // of a request to embed: of the tokens so far
  uint32_t generated = 0;
  TokenId last = 0;    // generated, not yet seen by the model
  uint32_t chunk = 0;  // of the prompt, in the step at hand
  // How many tokens its consumer can take; with 0, who is slow is not in the next step.
  uint32_t room = std::numeric_limits<uint32_t>::max();
  SecretVector<TokenId> input = {};  // of a decoding step: `last`, then what was guessed

  // What the last step gave: tokens, an end, both or neither.
  SecretVector<Sampled> tokens = {};
  std::optional<FinishReason> reason = {};
  std::optional<Error> error = {};
  bool done = false;  // its stream has ended, its place is still to be freed

  bool decoding() const { return prompt_done == job.prompt_tokens(); }
  uint32_t prompt_left() const { return job.prompt_tokens() - prompt_done - chunk; }
  bool embeds() const { return job.embed; }
  bool hungry() const { return !done && prompt_left() > 0; }
  // Takes part in a step, once its prompt was read.
  bool ready() const { return decoding() && room > 0 && !done; }
  // With the times as they stand; TokenStream::State::end() knows the delivered tokens.
  Finish finish(FinishReason why) const;
};

// Lives on the engine's thread and knows neither lock nor stream: the engine carries tokens out.
class Scheduler {
 public:
  // The options have been checked against the model's limits.
  Scheduler(model::Model& model, model::KvCache& cache, const EngineOptions& options);

  // Whether it fits beside those that run, when what is only kept for later gives way.
  bool has_room(const Job& job) const;
  uint32_t running(uint64_t tenant) const;  // sequences of a tenant
  // has_room(job) holds. An exception leaves the job as it was.
  void admit(Job&& job, Clock::time_point now);

  // One forward pass: a token of each decoding sequence that has room and is not done, and up to
  // `prompt_chunk` tokens of prompts; where there are no prompts, tokens guessed ahead. Every
  // sequence that reaches its prompt's end or goes on gets its next token, and one more for each
  // guess that is what the sampler chooses. Does nothing when nobody can run. A failure of the model
  // is an error of all that took part.
  void step();

  // In the order of their admission.
  std::vector<Active>& active() { return active_; }
  const std::vector<Active>& active() const { return active_; }

  // Wipes what they held, which may be much.
  void remove_done();

  uint64_t prompt_tokens() const { return prompt_tokens_; }
  uint64_t cached_tokens() const { return cached_tokens_; }
  uint64_t generated_tokens() const { return generated_tokens_; }
  uint64_t drafted_tokens() const { return drafted_tokens_; }
  uint64_t accepted_tokens() const { return accepted_tokens_; }
  uint32_t pages() const { return cache_.pages(); }
  uint32_t pages_free() const { return cache_.pages_free(); }
  uint32_t pages_cached() const { return prefixes_.pages(); }

 private:
  // A tenant, and how many tokens of its prompts were read of late: half as many count with each step.
  struct Turn {
    uint64_t tenant;
    uint32_t tokens;
  };

  void share_out(uint32_t budget);
  uint32_t share_out(uint32_t budget, uint64_t tenant);
  void guess_ahead();
  void form_batch();
  Result<model::Logits> forward();
  std::vector<uint32_t> cached_pages(const Job& job) const;
  void keep_prefix(const Active& active);
  void count_chunk(Active& active);
  void take_tokens(Active& active, const model::Logits& logits, uint32_t first_row);
  void take_token(Active& active, std::span<const float> logits);

  model::Model& model_;
  model::KvCache& cache_;
  const EngineOptions options_;
  const bool speculates_;
  PrefixCache prefixes_;
  Distribution distribution_;
  std::vector<Active> active_;
  std::vector<model::BatchPart> parts_;
  std::vector<Active*> takers_;  // who each part belongs to
  std::vector<DraftCandidate> candidates_;
  std::vector<Turn> turns_;  // whose prompts wait, in the order in which they are served
  std::vector<Turn> given_;
  StepTimes step_times_;
  uint64_t prompt_tokens_ = 0;
  uint64_t cached_tokens_ = 0;
  uint64_t generated_tokens_ = 0;
  uint64_t drafted_tokens_ = 0;
  uint64_t accepted_tokens_ = 0;
};

}  // namespace sotto::engine
