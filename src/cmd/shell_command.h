// Running a command that the user gave, for what it prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace sotto::cmd {

// Runs `command` with /bin/sh -c and returns its standard output; its standard error is ours, its
// standard input empty. `exhausted` when it takes longer than `limit` or prints more than 1 MiB, in
// which case it and all that it started are killed; `unavailable` when it cannot be started or ends
// with another status than 0. Ctrl-C ends the command and this program.
Result<std::string> run_shell_command(const std::string& command, std::chrono::milliseconds limit);

// `text` as one word of a shell's command line.
std::string shell_quote(const std::string& text);

}  // namespace sotto::cmd
