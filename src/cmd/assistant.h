// A loaded model together with what it takes to converse: vocabulary, chat template, engine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "base/token.h"
#include "cmd/interrupts.h"
#include "engine/engine.h"
#include "gguf/load.h"
#include "model/model.h"
#include "text/chat_template.h"
#include "text/reasoning.h"
#include "text/tokenizer.h"

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

// What the model is to continue.
struct Prompt {
  std::vector<TokenId> ids;
  bool in_reasoning = false;  // the template opened <think> already
};

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

  // Without a chat template a model continues text and knows no turns.
  bool has_template() const { return template_.has_value(); }
  // `messages` as in OpenAI's API. Only the template's own words can become special tokens.
  Result<Prompt> chat_prompt(const boost::json::array& messages) const;
  // The text as it is, after BOS where the vocabulary asks for it; no special tokens.
  Result<Prompt> plain_prompt(std::string_view text) const;

  // Generates to the end, a stop string or a Ctrl-C, handing each piece of text on as it comes.
  Result<Reply> answer(Prompt prompt, const AnswerSettings& settings, Interrupts& interrupts,
                       FunctionRef<void(const text::AnswerPiece&)> on_piece);

  engine::EngineStats stats() const { return engine_->stats(); }
  const gguf::Metadata& metadata() const { return source_.description().metadata; }
  const model::Model& model() const { return *model_; }
  uint32_t context() const { return context_; }
  double load_seconds() const { return load_seconds_; }

 private:
  Assistant(gguf::Source source, uint32_t threads, text::Tokenizer tokenizer);
  void add_bos(std::vector<TokenId>& ids) const;

  gguf::Source source_;
  ThreadPool pool_;
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> template_;
  std::vector<TokenId> end_tokens_;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<engine::Engine> engine_;  // last: ends before the model does
  uint32_t context_ = 0;
  double load_seconds_ = 0;
};

}  // namespace sotto::cmd
