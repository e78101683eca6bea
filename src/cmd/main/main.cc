// The program: picks the subcommand, prints its error if it has one, and exits with the agreed code.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "cmd/commands.h"

namespace {

using sotto::ErrorKind;

int exit_code(ErrorKind kind) {
  return kind == ErrorKind::untrusted || kind == ErrorKind::expired ? sotto::cmd::kExitUntrusted
                                                                     : sotto::cmd::kExitFailure;
}

int run(int argc, char** argv) {
  CLI::App app{"sotto: language-model inference that the person asking can verify", "sotto"};
  app.set_version_flag("--version", "sotto " SOTTO_VERSION);
  app.require_subcommand(1);
  app.footer("Example: sotto run demo \"What is remote attestation?\"");

  using Add = sotto::cmd::Run (*)(CLI::App&);
  const std::tuple<const char*, const char*, Add> commands[] = {
      {"run", "ask a model, on the terminal", sotto::cmd::add_run},
      {"inspect", "show what a model file holds, and its identity", sotto::cmd::add_inspect},
      {"bench", "measure a model, or a shape of model, on this machine", sotto::cmd::add_bench},
      {"tokenize", "turn text into token ids, or back", sotto::cmd::add_tokenize},
      {"render", "render a chat template", sotto::cmd::add_render},
      {"logits", "write the logits of given token ids", sotto::cmd::add_logits},
  };
  std::vector<std::pair<CLI::App*, sotto::cmd::Run>> runs;
  for (const auto& [name, what, add] : commands) {
    CLI::App* command = app.add_subcommand(name, what);
    runs.emplace_back(command, add(*command));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? sotto::cmd::kExitOk : sotto::cmd::kExitUsage;
  }
  for (const auto& [command, run] : runs) {
    if (!command->parsed()) continue;
    const sotto::Result<int> result = run();
    if (result) return *result;
    std::fprintf(stderr, "sotto %s: %s\n", command->get_name().c_str(),
                 result.error().message.c_str());
    return exit_code(result.error().kind);
  }
  return sotto::cmd::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "sotto: out of memory\n");
  } catch (const std::exception& error) {
    // Libraries may throw; our own code does not. The text is the library's, never a prompt.
    std::fprintf(stderr, "sotto: unexpected failure: %s\n", error.what());
  }
  return sotto::cmd::kExitFailure;
}
