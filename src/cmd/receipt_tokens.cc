// Rendering and tokenizing as the server does.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/receipt_tokens.h"

#include <thread>

#include "api/answer_content.h"
#include "cmd/model_source.h"
#include "cmd/terminal.h"
#include "engine/prompts.h"
#include "serve/prompts_of.h"

namespace sotto::cmd {
namespace {

Result<uint64_t> count_text(const text::Tokenizer& tokenizer, const channel::Receipt& receipt,
                            std::string_view response) {
  if (receipt.endpoint == "embeddings" || receipt.outcome != channel::Outcome::completed) {
    return uint64_t{0};
  }
  const auto choices = api::answer_content(response);
  if (!choices) return within("--response", choices.error());
  uint64_t count = 0;
  for (const api::AnswerContent& choice : *choices) {
    count += TRY(tokenizer.encode(choice.reasoning, false)).size();
    count += TRY(tokenizer.encode(choice.content, false)).size();
    for (const std::string& call : choice.calls) count += TRY(tokenizer.encode(call, false)).size();
  }
  return count;
}

}  // namespace

Result<CountedTokens> count_tokens(const std::string& model, const channel::Receipt& receipt,
                                   std::string_view request, std::string_view response) {
  if (receipt.model.empty() || receipt.outcome == channel::Outcome::failed) {
    return fail(ErrorKind::unsupported, "--model: the receipt is of an error, which has no tokens");
  }
  const gguf::Source source = TRY(open_model(model));
  const uint32_t threads = std::max(1u, std::thread::hardware_concurrency());
  CountedTokens counted;
  counted.model_root = TRY(source.read(nullptr, threads, terminal_progress("hashing"))).model_root;
  engine::Prompts prompts = TRY(engine::Prompts::from_metadata(source.description().metadata));
  prompts.stop_clock(receipt.issued_at);
  const auto made = serve::prompts_of(prompts, receipt.endpoint, request);
  if (!made) return fail(ErrorKind::malformed, "--request: {}", made.error().message);
  for (const engine::Prompt& prompt : *made) counted.prompt_tokens += prompt.ids.size();
  counted.text_tokens = TRY(count_text(prompts.tokenizer(), receipt, response));
  return counted;
}

}  // namespace sotto::cmd
