// The program: picks the subcommand, prints its error if it has one, and exits with the agreed code.
// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "cmd/commands.h"
#include "cmd/terminal.h"
#include "crypto/key_memory.h"

namespace {

using sotto::ErrorKind;

struct Command {
  const char* name;
  const char* what;
  sotto::cmd::Run (*add)(CLI::App&);
};

constexpr Command kCommands[] = {
    {"run", "ask a model, on the terminal", sotto::cmd::add_run},
    {"serve", "serve models by OpenAI's API", sotto::cmd::add_serve},
    {"demo", "all of it here: a node, its evidence, a chat over the encrypted channel",
     sotto::cmd::add_demo},
    {"chat", "chat with a verified node", sotto::cmd::add_chat},
    {"proxy", "OpenAI's API here, answered by a verified node", sotto::cmd::add_proxy},
    {"keys", "make, list and revoke API keys for the server", sotto::cmd::add_keys},
    {"verify", "check a node or its evidence against a policy", sotto::cmd::add_verify},
    {"policy", "write, check and show what counts as acceptable", sotto::cmd::add_policy},
    {"attest", "make this machine's evidence bundle", sotto::cmd::add_attest},
    {"replay", "answer a request again as its receipt says, and compare", sotto::cmd::add_replay},
    {"doctor", "what this machine has for serving in a TEE, and what is missing",
     sotto::cmd::add_doctor},
    {"inspect", "show what a model file, evidence, a certificate or a log holds",
     sotto::cmd::add_inspect},
    {"bench", "measure a model, or a shape of model, on this machine", sotto::cmd::add_bench},
    {"tokenize", "turn text into token ids, or back", sotto::cmd::add_tokenize},
    {"render", "render a chat template", sotto::cmd::add_render},
    {"logits", "write the logits of given token ids", sotto::cmd::add_logits},
};

int exit_code(ErrorKind kind) {
  return kind == ErrorKind::untrusted || kind == ErrorKind::expired ? sotto::cmd::kExitUntrusted
                                                                    : sotto::cmd::kExitFailure;
}

// A core dump would hold prompts and answers. The limit stops those that go to a file, the flag
// those that are piped to a handler, which heeds no limit.
void forbid_core_dumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef SOTTO_SANITIZED  // the leak checker has to attach to the process
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

int run(int argc, char** argv) {
  CLI::App app{"sotto: language-model inference that the person asking can verify", "sotto"};
  app.set_version_flag("--version", "sotto " SOTTO_VERSION);
  app.require_subcommand(1);
  app.footer("Example: sotto run demo \"What is remote attestation?\"");

  std::vector<std::pair<CLI::App*, sotto::cmd::Run>> runs;
  for (const auto& [name, what, add] : kCommands) {
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
    if (result && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return *result;
    if (result) {
      std::fprintf(stderr, "sotto %s: standard output cannot be written\n",
                   command->get_name().c_str());
      return sotto::cmd::kExitFailure;
    }
    // A message may quote names from a file, which must not drive the terminal.
    std::fprintf(stderr, "sotto %s: %s\n", command->get_name().c_str(),
                 sotto::cmd::printable(result.error().message).c_str());
    return exit_code(result.error().kind);
  }
  return sotto::cmd::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  forbid_core_dumps();
  sotto::crypto::keep_keys_apart();
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
