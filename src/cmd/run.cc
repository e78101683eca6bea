// `sotto run`: a question and its answer, or a conversation on the terminal.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cmd/assistant.h"
#include "cmd/chat.h"
#include "cmd/commands.h"
#include "cmd/interrupts.h"
#include "cmd/options.h"
#include "cmd/terminal.h"

namespace sotto::cmd {
namespace {

constexpr uint64_t kPromptBytesMax = 16 << 20;
constexpr uint32_t kTokensMax = 1 << 30;

struct Options {
  AssistantOptions assistant;
  std::string prompt;
  std::string system;
  std::string kv = "f16";
  std::string speculate = "auto";
  SamplingFlags sampling;
  std::vector<std::string> stops;
  uint32_t tokens_max = 0;
  std::string show_reasoning = "auto";
  bool json = false;
  bool quiet = false;
};

// The prompt of a single question as messages, or as it is where the model knows no turns.
Result<Prompt> make_prompt(const Assistant& assistant, const Options& options) {
  if (!assistant.has_template()) {
    if (!options.system.empty()) {
      return fail(ErrorKind::unsupported,
                  "--system needs a chat template, and this model has none");
    }
    if (!options.quiet) {
      fmt::print(stderr, "sotto run: this model has no chat template; it continues the prompt\n");
    }
    return assistant.plain_prompt(options.prompt);
  }
  boost::json::array messages;
  if (!options.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", options.system}});
  }
  messages.push_back({{"role", "user"}, {"content", options.prompt}});
  return assistant.chat_prompt(messages);
}

boost::json::object describe_model(const model::Model& model) {
  boost::json::array files;
  for (const gguf::Digest& digest : model.identity().file_sha256) {
    files.push_back(boost::json::value(gguf::to_hex(digest)));
  }
  return {{"name", model.shape().name},
          {"architecture", model.shape().architecture},
          {"model_root", gguf::to_hex(model.identity().model_root)},
          {"file_sha256", std::move(files)}};
}

void print_json(const Assistant& assistant, const Reply& reply, uint64_t seed) {
  const engine::EngineStats stats = assistant.stats();
  const boost::json::object out{
      {"content", reply.content},
      {"reasoning", reply.reasoning},
      {"finish_reason", to_string(reply.finish)},
      {"usage",
       {{"prompt_tokens", reply.prompt_tokens},
        {"completion_tokens", reply.completion_tokens},
        {"total_tokens", uint64_t{reply.prompt_tokens} + reply.completion_tokens}}},
      {"timings",
       {{"load_seconds", assistant.load_seconds()},
        {"first_token_seconds", reply.first_token_seconds},
        {"total_seconds", reply.total_seconds},
        {"prompt_tokens_per_second", reply.prompt_rate()},
        {"completion_tokens_per_second", reply.generate_rate()}}},
      {"speculation",
       {{"drafted_tokens", stats.drafted_tokens}, {"accepted_tokens", stats.accepted_tokens}}},
      {"seed", seed},
      {"model", describe_model(assistant.model())},
  };
  fmt::print("{}\n", boost::json::serialize(out));
}

Result<int> run_once(Assistant& assistant, const Options& options, const AnswerSettings& settings) {
  const Prompt prompt = TRY(make_prompt(assistant, options));
  const bool show_reasoning = options.show_reasoning == "always" ||
                              (options.show_reasoning == "auto" && is_terminal(stdout));
  Interrupts interrupts;
  AnswerPrinter printer(stdout, show_reasoning);
  const Result<Reply> result =
      assistant.answer(prompt, settings, interrupts, [&](const text::AnswerPiece& piece) {
        if (!options.json) printer.print(piece);
      });
  if (!options.json) printer.finish();
  const Reply reply = TRY(result);

  const uint64_t seed = settings.sampling.seed;
  if (options.json) print_json(assistant, reply, seed);
  std::fflush(stdout);
  if (!options.quiet) print_dim(stderr, describe_reply(reply, seed) + "\n");
  if (reply.finish == engine::FinishReason::length && !options.quiet) {
    fmt::print(stderr, "sotto run: cut off after {} tokens\n", reply.completion_tokens);
  }
  if (reply.finish == engine::FinishReason::cancelled) {
    return fail(ErrorKind::cancelled, "stopped by Ctrl-C");
  }
  return kExitOk;
}

Result<int> run(const CLI::App& app, Options options) {
  const bool given = app.count("PROMPT") > 0;
  const bool converse = !given && is_terminal(stdin);
  if (converse && (options.json || !is_terminal(stdout))) {
    return wrong_usage(app, "give a PROMPT, or pipe one in: a conversation needs a terminal");
  }
  if (!given && !converse) options.prompt = TRY(read_standard_input(kPromptBytesMax));
  if (!converse && options.prompt.empty()) return wrong_usage(app, "the prompt is empty");

  options.assistant.kv_type = kv_type(options.kv);
  options.assistant.speculation = speculation(options.speculate);
  const std::unique_ptr<Assistant> assistant = TRY(Assistant::open(options.assistant));
  const AnswerSettings settings{
      .sampling = TRY(sampling_params(options.sampling, assistant->metadata())),
      .stops = options.stops,
      .tokens_max = options.tokens_max};
  if (!converse) return run_once(*assistant, options, settings);
  return chat(*assistant, {.answer = settings,
                           .system = options.system,
                           .show_reasoning = options.show_reasoning != "never"});
}

}  // namespace

Run add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->assistant.model, "a GGUF file, a name in the store, or demo")
      ->required();
  app.add_option("PROMPT", options->prompt,
                 "the question; without one, standard input is, or a conversation on a terminal");
  app.add_option("--system", options->system, "the system message");
  app.add_option("--max-tokens", options->tokens_max, "end the answer after this many")
      ->check(CLI::Range(uint32_t{1}, kTokensMax));
  app.add_option("--stop", options->stops, "end the answer before this text; repeatable")
      ->allow_extra_args(false);
  app.add_option("--show-reasoning", options->show_reasoning,
                 "what stands between <think> and </think>; auto: on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_option("--context", options->assistant.context,
                 "positions of prompt and answer together; default: the model's, at most 8192")
      ->check(CLI::Range(uint32_t{1}, kTokensMax));
  add_kv_option(app, options->kv);
  add_speculate_option(app, options->speculate);
  add_threads_option(app, options->assistant.threads);
  app.add_flag("--json", options->json, "one JSON object at the end instead of text as it comes");
  app.add_flag("--quiet", options->quiet, "no speeds on standard error");
  add_sampling_options(app, options->sampling);
  app.footer(
      "Examples:\n"
      "  sotto run demo\n"
      "  sotto run demo \"What is remote attestation?\"\n"
      "  sotto run model.gguf --system \"Answer in one sentence.\" <question.txt");
  return [options, &app] { return run(app, *options); };
}

}  // namespace sotto::cmd
