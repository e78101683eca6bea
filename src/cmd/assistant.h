// A model to talk to on a terminal: one answer at a time, with what it took.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "cmd/interrupts.h"
#include "engine/host.h"
#include "text/reasoning.h"

namespace sotto::cmd {

struct AssistantOptions {
  std::string model;
  uint32_t threads = 1;
  uint32_t context = 0;  // positions; 0: the model's own, but not above kContextDefaultMax
  model::KvType kv_type = model::KvType::F16;
  engine::Speculation speculation = engine::Speculation::automatic;
};

// Above this a cache is so large that it should be asked for.
inline constexpr uint32_t kContextDefaultMax = 8192;

using engine::Prompt;

struct AnswerSettings {
  engine::SamplingParams sampling;
  std::vector<std::string> stops;
  uint32_t tokens_max = 0;  // 0: as many as the context has room for
};

// One answer and what it took. Times count from the call of answer().
struct Reply {
  std::string reasoning;
  std::string content;
  engine::FinishReason finish = engine::FinishReason::stop;
  uint32_t prompt_tokens = 0;
  uint32_t completion_tokens = 0;
  double first_token_seconds = 0;
  double total_seconds = 0;

  double prompt_rate() const;    // tokens/s until the first token
  double generate_rate() const;  // tokens/s from the first token to the last
};

// "stop", "length" or "cancelled".
std::string_view to_string(engine::FinishReason reason);

class Assistant {
 public:
  // Shows a progress bar on standard error where loading takes over a second.
  static Result<std::unique_ptr<Assistant>> open(const AssistantOptions& options);

  bool has_template() const { return host_->prompts().has_template(); }
  Result<Prompt> chat_prompt(const boost::json::array& messages) const {
    return host_->prompts().chat(messages, {});
  }
  Result<Prompt> plain_prompt(std::string_view text) const { return host_->prompts().plain(text); }

  // Generates to the end, a stop string or a Ctrl-C, handing each piece of text on as it comes.
  Result<Reply> answer(Prompt prompt, const AnswerSettings& settings, Interrupts& interrupts,
                       FunctionRef<void(const text::AnswerPiece&)> on_piece);

  engine::EngineStats stats() const { return host_->engine().stats(); }
  const gguf::Metadata& metadata() const { return host_->metadata(); }
  const model::Model& model() const { return host_->model(); }
  uint32_t context() const { return host_->engine().options().context; }
  double load_seconds() const { return load_seconds_; }

 private:
  Assistant() = default;

  std::unique_ptr<engine::Host> host_;
  double load_seconds_ = 0;
};

}  // namespace sotto::cmd
