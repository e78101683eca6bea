// Options of a command that were not given as flags: from SOTTO_* variables, then from a TOML file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sotto::cmd {

// For every option --some-name without a flag: the variable SOTTO_SOME_NAME, else the file's key
// `some-name`; arrays, and variables with commas, are for options that may be repeated. An empty path
// is no file. `malformed` names the line of a key that is no option, or whose value does not fit.
Result<void> overlay_options(CLI::App& app, const std::string& path);

// As a TOML string.
std::string toml_text(std::string_view text);

}  // namespace sotto::cmd
