// Rendering templates, encoding what comes out.
// SPDX-License-Identifier: Apache-2.0
#include "engine/prompts.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "text/reasoning.h"

namespace sotto::engine {
namespace {

// The same on every machine, so that a receipt's prompt can be made again elsewhere.
std::tm utc(std::time_t time) {
  std::tm broken_down{};
  gmtime_r(&time, &broken_down);
  return broken_down;
}

Result<std::optional<text::ChatTemplate>> parse_template(const std::string& source) {
  if (source.empty()) return std::nullopt;
  auto parsed = text::ChatTemplate::parse(source);
  if (!parsed) return within("tokenizer.chat_template", std::move(parsed).error());
  return std::move(*parsed);
}

// How a template should spell a special token; empty where the vocabulary has none.
std::string spelling(const text::Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? std::string(tokenizer.token_text(*id)) : std::string();
}

}  // namespace

Result<Prompts> Prompts::from_metadata(const gguf::Metadata& metadata) {
  Prompts prompts(TRY(text::Tokenizer::from_metadata(metadata)));
  const std::string chat_template =
      TRY(metadata.get_or<std::string>("tokenizer.chat_template", std::string()));
  prompts.template_ = TRY(parse_template(chat_template));
  prompts.tools_ = text::tool_support(chat_template);
  prompts.reasons_ = chat_template.find("think>") != std::string::npos &&
                     prompts.tokenizer_.find("<think>").has_value();
  return prompts;
}

void Prompts::add_bos(std::vector<TokenId>& ids) const {
  const std::optional<TokenId> bos = tokenizer_.bos();
  if (!tokenizer_.adds_bos() || !bos) return;
  if (ids.empty() || ids.front() != *bos) ids.insert(ids.begin(), *bos);
}

Result<Prompt> Prompts::chat(const boost::json::array& messages, const ChatExtras& extras) const {
  CHECK(template_.has_value());
  text::ChatInput input;
  input.messages = text::explain_tools(tools_, messages, extras.tools);
  if (!extras.tools.empty() && tools_.lists_tools) input.tools = extras.tools;
  input.extra = extras.variables;
  input.bos_token = spelling(tokenizer_, tokenizer_.bos());
  input.eos_token = spelling(tokenizer_, tokenizer_.eos());
  input.now = utc(now_.value_or(std::time(nullptr)));
  const std::vector<text::TextRun> runs = TRY(template_->render(input));
  const std::string text = text::join(runs);
  Prompt prompt;
  prompt.ids = TRY(tokenizer_.encode(runs));
  prompt.in_reasoning = text::prompt_opens_reasoning(text);
  prompt.may_reason = reasons_ && !prompt.in_reasoning && !text::prompt_closes_reasoning(text);
  add_bos(prompt.ids);
  return prompt;
}

Result<Prompt> Prompts::plain(std::string_view text) const {
  Prompt prompt;
  prompt.ids = TRY(tokenizer_.encode(text, false));
  add_bos(prompt.ids);
  return prompt;
}

}  // namespace sotto::engine
