// Messages out, deltas in.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/node_chat.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <string_view>

#include "base/secret_vector.h"
#include "cmd/commands.h"
#include "cmd/interrupts.h"
#include "cmd/line_editor.h"
#include "cmd/node_options.h"
#include "cmd/terminal.h"
#include "cmd/verify_report.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

constexpr std::string_view kHelp =
    "/help    this list\n"
    "/verify  what was checked about the node, and what it states\n"
    "/receipt what the node signed about the last answer\n"
    "/reset   forget the conversation and begin a new one\n"
    "/exit    leave; Ctrl-D does too\n"
    "Ctrl-C stops an answer. Nothing of the conversation is written to disk.\n";

std::string text_of(const json::object& object, std::string_view name) {
  const auto found = object.find(name);
  const bool text = found != object.end() && found->value().is_string();
  return text ? std::string(found->value().get_string()) : std::string();
}

// The events of one streamed chat, a line at a time.
class DeltaReader {
 public:
  explicit DeltaReader(AnswerPrinter& printer) : printer_(printer) {}

  void feed(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        take({line_.data(), line_.size()});
        line_.clear();
      } else {
        line_.push_back(c);
      }
    }
  }

  std::string content;
  std::string error;  // what an event said instead

 private:
  void take(std::string_view line) {
    constexpr std::string_view kData = "data: ";
    if (!line.starts_with(kData)) return;
    line.remove_prefix(kData.size());
    json::error_code bad;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), bad);
    if (bad || !value.is_object()) return;  // [DONE]
    const json::object& event = value.get_object();
    if (const auto wrong = event.find("error");
        wrong != event.end() && wrong->value().is_object()) {
      error = text_of(wrong->value().get_object(), "message");
    }
    const auto choices = event.find("choices");
    if (choices == event.end() || !choices->value().is_array()) return;
    for (const json::value& choice : choices->value().get_array()) {
      if (!choice.is_object()) continue;
      const auto delta = choice.get_object().find("delta");
      if (delta == choice.get_object().end() || !delta->value().is_object()) continue;
      text::AnswerPiece piece;
      piece.reasoning = text_of(delta->value().get_object(), "reasoning_content");
      piece.content = text_of(delta->value().get_object(), "content");
      content += piece.content;
      printer_.print(piece);
    }
  }

  AnswerPrinter& printer_;
  SecretVector<char> line_;
};

client::Request request_of(const NodeChatOptions& options, const json::array& messages) {
  json::object body;
  if (!options.model.empty()) body["model"] = options.model;
  body["messages"] = messages;
  body["stream"] = true;
  if (options.tokens_max != 0) body["max_tokens"] = options.tokens_max;
  client::Request request;
  request.path = "/v1/chat/completions";
  request.fields.emplace_back("content-type", "application/json");
  if (!options.key.empty()) request.fields.emplace_back("authorization", "Bearer " + options.key);
  const std::string text = json::serialize(body);
  request.body.assign(text.begin(), text.end());
  return request;
}

struct NodeReply {
  std::string content;
  client::Outcome outcome;
};

Result<NodeReply> ask(client::Session& session, const NodeChatOptions& options,
                      const json::array& messages, const client::Cancelled& cancelled) {
  AnswerPrinter printer(stdout, options.show_reasoning);
  DeltaReader reader(printer);
  uint32_t status = 0;
  std::string refusal;
  const Result<client::Outcome> outcome = session.ask(
      request_of(options, messages),
      [&](uint32_t told, const channel::Fields&) {
        status = told;
        return true;
      },
      [&](std::string_view bytes) {
        if (status == 200) {
          reader.feed(bytes);
          std::fflush(stdout);
        } else {
          refusal += bytes.substr(0, 4096 - std::min<size_t>(4096, refusal.size()));
        }
        return true;
      },
      cancelled);
  printer.finish();
  if (!outcome) return std::unexpected(outcome.error());
  if (status != 200) {
    return fail(ErrorKind::denied, "the node refuses with status {}: {}", status, refusal);
  }
  if (!reader.error.empty()) return fail(ErrorKind::unavailable, "{}", reader.error);
  return NodeReply{std::move(reader.content), *outcome};
}

class NodeChat {
 public:
  NodeChat(client::Session& session, const NodeChatOptions& options)
      : session_(session), options_(options), editor_(interrupts_) {
    reset();
  }

  int run() {
    print_dim(stdout, "/help lists the commands.\n");
    bool warned = false;  // of what a second Ctrl-C does
    for (;;) {
      const Line line = editor_.read("> ");
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
      line.text.starts_with('/') ? command(line.text) : answer(line.text);
    }
  }

 private:
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
    } else if (text == "/verify") {
      if (const Result<void> verified = session_.verify(); !verified) {
        fmt::print(stderr, "sotto chat: {}\n", printable(verified.error().message));
      }
      if (const auto appraisal = session_.appraisal()) print_bundle_appraisal(*appraisal, false);
    } else if (text == "/receipt") {
      print_dim(stdout, receipt_.empty() ? "No answer yet.\n" : receipt_ + "\n");
    } else {
      print_dim(stdout, fmt::format("There is no command {}. /help lists them.\n",
                                    printable(text.substr(0, text.find(' ')))));
    }
  }

  void answer(const std::string& text) {
    messages_.push_back({{"role", "user"}, {"content", text}});
    std::atomic<bool> stopped{false};
    const Result<NodeReply> reply = [&] {
      const OnInterrupt stop(interrupts_, [&] { stopped = true; });
      return ask(session_, options_, messages_, [&] { return stopped.load(); });
    }();
    if (reply && !reply->content.empty()) {
      messages_.push_back({{"role", "assistant"}, {"content", reply->content}});
    } else {
      messages_.pop_back();
    }
    if (reply) {
      receipt_ = reply->outcome.receipt_token;
    } else if (stopped) {
      print_dim(stdout, "(stopped)\n");
    } else {
      fmt::print(stderr, "sotto chat: {}\n", printable(reply.error().message));
    }
    fmt::print("\n");
  }

  client::Session& session_;
  const NodeChatOptions& options_;
  Interrupts interrupts_;
  LineEditor editor_;
  json::array messages_;
  std::string receipt_;
};

}  // namespace

Result<int> chat_with_node(client::Session& session, const NodeChatOptions& options) {
  return NodeChat(session, options).run();
}

Result<int> ask_node(client::Session& session, const NodeChatOptions& options,
                     const std::string& question) {
  json::array messages;
  if (!options.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", options.system}});
  }
  messages.push_back({{"role", "user"}, {"content", question}});
  TRY(ask(session, options, messages, {}));
  return kExitOk;
}

}  // namespace sotto::cmd
