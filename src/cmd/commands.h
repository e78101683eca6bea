// The subcommands of `sotto`: each adds itself to the command line and runs when it was chosen.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "base/result.h"

namespace sotto::cmd {

// Exit codes [docs/reference/cli.md]: 0 success, 1 a verification failed, 2 wrong usage, 3 all
// else.
inline constexpr int kExitOk = 0;
inline constexpr int kExitUntrusted = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitFailure = 3;

// Registers options on `app` (a subcommand made by main) and returns what to run after parsing.
using Run = std::function<Result<int>()>;

Run add_inspect(CLI::App& app);
Run add_tokenize(CLI::App& app);
Run add_render(CLI::App& app);
Run add_logits(CLI::App& app);
Run add_run(CLI::App& app);
Run add_bench(CLI::App& app);
Run add_serve(CLI::App& app);
Run add_keys(CLI::App& app);
Run add_verify(CLI::App& app);
Run add_attest(CLI::App& app);
Run add_replay(CLI::App& app);
Run add_proxy(CLI::App& app);
Run add_policy(CLI::App& app);
Run add_doctor(CLI::App& app);
Run add_chat(CLI::App& app);
Run add_demo(CLI::App& app);

}  // namespace sotto::cmd
