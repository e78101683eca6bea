// Reads a line, answers it, remembers both.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/chat.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "cmd/commands.h"
#include "cmd/interrupts.h"
#include "cmd/line_editor.h"
#include "cmd/terminal.h"

namespace sotto::cmd {
namespace {

constexpr std::string_view kHelp =
    "/help    this list\n"
    "/reset   forget the conversation and begin a new one\n"
    "/stats   speed of the last answer, and tokens in all\n"
    "/exit    leave; Ctrl-D does too\n"
    "Ctrl-C stops an answer. A \\ at the end of a line continues it on the next one. To begin a\n"
    "message with a /, put a space before it. Nothing of the conversation is written to disk.\n";

class Chat {
 public:
  Chat(Assistant& assistant, const ChatOptions& options)
      : assistant_(assistant), options_(options), editor_(interrupts_) {
    reset();
  }

  int run() {
    greet();
    bool warned = false;  // of what a second Ctrl-C does
    for (;;) {
      const Line line = read_message();
      if (line.end == LineEnd::closed) {
        fmt::print("\n");
        return kExitOk;
      }
      if (line.end == LineEnd::interrupted) {
        if (warned && line.text.empty()) return kExitOk;
        warned = line.text.empty();
        if (warned) print_dim(stdout, "Ctrl-C again, or Ctrl-D, leaves.\n");
        continue;
      }
      warned = false;
      if (line.text.find_first_not_of(" \t") == std::string::npos) continue;
      if (line.text == "/exit" || line.text == "/quit") return kExitOk;
      line.text.starts_with('/') ? command(line.text) : ask(line.text);
    }
  }

 private:
  // One message: a line, and those that it continues on.
  Line read_message() {
    Line message = editor_.read("> ");
    while (message.end == LineEnd::entered && message.text.ends_with('\\')) {
      message.text.back() = '\n';
      Line more = editor_.read(". ");
      if (more.end != LineEnd::entered) return more;
      message.text += more.text;
    }
    return message;
  }

  void greet() {
    const model::Shape& shape = assistant_.model().shape();
    print_dim(stdout, fmt::format("{} ({}), context of {} tokens. /help lists the commands.\n",
                                  printable(shape.name), printable(shape.architecture),
                                  assistant_.context()));
    if (!assistant_.has_template()) {
      print_dim(stdout,
                "This model has no chat template: it continues each line by itself and remembers "
                "nothing.\n");
    }
  }

  void reset() {
    messages_.clear();
    if (!options_.system.empty()) {
      messages_.push_back({{"role", "system"}, {"content", options_.system}});
    }
  }

  void command(const std::string& text) {
    if (text == "/help") {
      print_dim(stdout, kHelp);
    } else if (text == "/reset") {
      reset();
      print_dim(stdout, "The conversation is forgotten.\n");
    } else if (text == "/stats") {
      print_stats();
    } else {
      print_dim(stdout, fmt::format("There is no command {}. /help lists them.\n",
                                    printable(text.substr(0, text.find(' ')))));
    }
  }

  void ask(std::string_view text) {
    if (text.starts_with(" /")) text.remove_prefix(1);
    messages_.push_back({{"role", "user"}, {"content", text}});
    const Result<Reply> reply = answer(text);
    if (!reply) {
      fmt::print(stderr, "sotto run: {}\n", printable(reply.error().message));
      if (reply.error().kind == ErrorKind::exhausted) {
        print_dim(stderr, "/reset begins a new conversation; --context allows longer ones.\n");
      }
    }
    if (reply && !reply->content.empty()) {
      messages_.push_back({{"role", "assistant"}, {"content", reply->content}});
    } else {
      messages_.pop_back();  // a question without an answer would confuse the template
    }
    fmt::print("\n");
  }

  Result<Reply> answer(std::string_view text) {
    const Prompt prompt = assistant_.has_template() ? TRY(assistant_.chat_prompt(messages_))
                                                    : TRY(assistant_.plain_prompt(text));
    AnswerSettings settings = options_.answer;
    settings.sampling.seed += turns_;
    AnswerPrinter printer(stdout, options_.show_reasoning);
    const Result<Reply> result =
        assistant_.answer(prompt, settings, interrupts_,
                          [&](const text::AnswerPiece& piece) { printer.print(piece); });
    printer.finish();
    const Reply reply = TRY(result);
    last_seed_ = settings.sampling.seed;
    last_ = reply;
    ++turns_;
    prompt_tokens_ += reply.prompt_tokens;
    completion_tokens_ += reply.completion_tokens;
    if (reply.finish == engine::FinishReason::length) {
      print_dim(stdout, fmt::format("(cut off after {} tokens)\n", reply.completion_tokens));
    } else if (reply.finish == engine::FinishReason::cancelled) {
      print_dim(stdout, "(stopped)\n");
    }
    return reply;
  }

  void print_stats() {
    if (!last_) {
      print_dim(stdout, "No answer yet.\n");
      return;
    }
    print_dim(stdout, fmt::format("{}\n{} answers, {} prompt tokens and {} tokens in all; loaded "
                                  "in {:.2f} s\n",
                                  describe_reply(*last_, last_seed_), turns_, prompt_tokens_,
                                  completion_tokens_, assistant_.load_seconds()));
  }

  Assistant& assistant_;
  const ChatOptions& options_;
  Interrupts interrupts_;
  LineEditor editor_;
  boost::json::array messages_;
  std::optional<Reply> last_;
  uint64_t last_seed_ = 0;
  uint64_t turns_ = 0;
  uint64_t prompt_tokens_ = 0;
  uint64_t completion_tokens_ = 0;
};

}  // namespace

Result<int> chat(Assistant& assistant, const ChatOptions& options) {
  if (!assistant.has_template() && !options.system.empty()) {
    return fail(ErrorKind::unsupported, "--system needs a chat template, and this model has none");
  }
  return Chat(assistant, options).run();
}

std::string describe_reply(const Reply& reply, uint64_t seed) {
  return fmt::format(
      "first token after {:.2f} s ({} prompt tokens, {:.1f}/s); {} tokens, {:.1f}/s; seed {}",
      reply.first_token_seconds, reply.prompt_tokens, reply.prompt_rate(), reply.completion_tokens,
      reply.generate_rate(), seed);
}

}  // namespace sotto::cmd
