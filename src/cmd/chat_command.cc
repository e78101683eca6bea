// `sotto chat`: a chat with a verified node; `sotto demo`: the whole of it on this machine.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/color.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "attest/node/attester.h"
#include "cmd/commands.h"
#include "cmd/node_chat.h"
#include "cmd/node_options.h"
#include "cmd/options.h"
#include "cmd/terminal.h"

namespace sotto::cmd {
namespace {

constexpr uint64_t kQuestionBytesMax = 16 << 20;
constexpr std::chrono::seconds kStartLimit{120};

struct ChatCommand {
  NodeOptions node;
  NodeChatOptions chat;
  std::string question;
  bool hide_reasoning = false;
};

// Where there is no question and a terminal, a conversation.
Result<int> converse(client::Session& session, const NodeChatOptions& options,
                     std::string question) {
  if (question.empty() && is_terminal(stdin) && is_terminal(stdout)) {
    return chat_with_node(session, options);
  }
  if (question.empty()) question = TRY(read_standard_input(kQuestionBytesMax));
  if (question.empty()) return fail(ErrorKind::malformed, "the question is empty");
  return ask_node(session, options, question);
}

Result<int> run_chat(ChatCommand command) {
  client::Session session(TRY(session_options(command.node)));
  TRY(session.verify());
  print_verified(session);
  command.chat.show_reasoning = !command.hide_reasoning;
  if (const char* key = std::getenv("SOTTO_KEY")) command.chat.key = key;
  return converse(session, command.chat, command.question);
}

// This program as another process; ends with this object.
class Child {
 public:
  static Result<Child> start(const std::vector<std::string>& arguments, const std::string& screen) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, screen.c_str(), O_WRONLY | O_CREAT, 0600);
    // Of its own group: a Ctrl-C that stops an answer must not stop the server.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail(ErrorKind::unavailable, "the server does not start");
    return Child(pid);
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ == 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  bool ended() {
    if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

// A folder for the time of a run.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sotto-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct DemoCommand {
  std::string question;
  std::string model = "demo";
  std::string listen = "127.0.0.1:8080";
  bool serve = false;
};

void print_proof(const client::Session& session) {
  const auto appraisal = session.appraisal();
  if (!appraisal || appraisal->evidence.empty()) return;
  size_t rules = appraisal->rules.size();
  for (const attest::Appraisal& one : appraisal->evidence) rules += one.rules.size();
  fmt::print(
      stderr,
      "proven: {} rules passed, from the quote up to the root of \"{}\"; the quote is bound to "
      "the node's keys and to a nonce of ours\n",
      rules, appraisal->evidence.front().claims->platform);
  fmt::print(
      stderr,
      "from here on every word is encrypted to a key that only that program holds, and every "
      "answer has a receipt\n");
}

Result<int> run_demo(const DemoCommand& command) {
  const bool real = attest::make_system_attester().has_value();
  const std::string tee = real ? "auto" : "simulated";
  if (command.serve) {
    const char* arguments[] = {"sotto",     "serve",    command.model.c_str(),  "--tee",
                               tee.c_str(), "--listen", command.listen.c_str(), nullptr};
    execv("/proc/self/exe", const_cast<char**>(arguments));
    return fail(ErrorKind::unavailable, "the server does not start");
  }
  const TemporaryFolder folder;
  if (folder.path().empty()) return fail(ErrorKind::unavailable, "no temporary folder can be made");
  const std::string socket = folder.path() + "/node";
  const std::string screen = folder.path() + "/screen";
  Child server = TRY(Child::start({"sotto", "serve", command.model, "--tee", tee, "--listen",
                                   "unix:" + socket, "--log", "/dev/null"},
                                  screen));
  NodeOptions node;
  node.url = "http://localhost";
  node.unix_socket = socket;
  node.allow_simulated = !real;
  client::Session session(TRY(session_options(node)));
  const auto until = std::chrono::steady_clock::now() + kStartLimit;
  Result<void> verified = session.verify();
  while (!verified && verified.error().kind == ErrorKind::unavailable && !server.ended() &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    verified = session.verify();
  }
  if (!verified) return std::unexpected(verified.error());
  print_verified(session);
  print_proof(session);
  return converse(session, {}, command.question);
}

}  // namespace

Run add_chat(CLI::App& app) {
  auto command = std::make_shared<ChatCommand>();
  add_node_options(app, command->node);
  app.add_option("QUESTION", command->question,
                 "one question; without it standard input, or a conversation on a terminal");
  app.add_option("--model", command->chat.model, "the model's name; default: the node's first");
  app.add_option("--system", command->chat.system, "the system message");
  app.add_option("--max-tokens", command->chat.tokens_max, "end the answer after this many");
  app.add_flag("--hide-reasoning", command->hide_reasoning, "only the answer itself");
  app.footer("Example: sotto chat https://node.example. An API key is read from SOTTO_KEY");
  return [command] { return run_chat(*command); };
}

Run add_demo(CLI::App& app) {
  auto command = std::make_shared<DemoCommand>();
  app.add_option("QUESTION", command->question,
                 "one question; without it standard input, or a conversation on a terminal");
  app.add_option("--model", command->model, "another model than the bundled one")
      ->capture_default_str();
  app.add_flag("--serve", command->serve, "stay as a server instead of chatting");
  app.add_option("--listen", command->listen, "with --serve: ADDRESS:PORT or unix:PATH")
      ->capture_default_str();
  app.footer("Example: sotto demo");
  return [command] { return run_demo(*command); };
}

}  // namespace sotto::cmd
