// What an engine and the streams of its requests share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/secret_vector.h"
#include "engine/engine.h"

namespace sotto::engine {

// Outlives the engine, since streams do. One lock guards the queue, the streams and the statistics:
// it is held for moments only, never while the model works.
struct Hub {
  std::mutex mutex;
  std::condition_variable work;  // the engine's thread waits here when there is nothing to do
  bool stopping = false;
};

// Guarded by the hub's lock, but for `reported`.
struct TokenStream::State {
  State(std::shared_ptr<Hub> the_hub, uint32_t tokens_max)
      : hub(std::move(the_hub)), unread_max(tokens_max) {}

  const std::shared_ptr<Hub> hub;
  const uint32_t unread_max;
  std::condition_variable readable;
  std::function<void()> on_ready;  // called once, when there is something to take
  SecretDeque<Sampled> unread;
  uint32_t delivered = 0;      // tokens put into `unread`, less those that cancel() dropped
  uint32_t cached_tokens = 0;  // of its prompt
  bool cancelled = false;
  std::optional<Finish> finish;  // the answer is over: this or `error`
  std::optional<Error> error;

  std::optional<Finish> reported;  // the consumer's own copy of `finish`, once it came across it

  // Tokens that may still be put in before its consumer has to read.
  uint32_t room() const {
    return unread_max - std::min(unread_max, static_cast<uint32_t>(unread.size()));
  }
  bool full() const { return room() == 0; }
  bool ended() const { return finish.has_value() || error.has_value(); }
  void push(Sampled token);
  void end(Finish how);
  void end(Error why);

 private:
  void announce();
};

}  // namespace sotto::engine
