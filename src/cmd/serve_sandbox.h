// The sandbox that `sotto serve` puts itself into: which files it needs, and when.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace sotto::cmd {

struct SandboxNeeds {
  std::vector<std::string> models;  // paths of files; names in the store, and "demo", are known
  std::vector<std::string> read;    // files
  std::vector<std::string> write;   // files, which are made anew beside themselves
  bool real_tee = false;            // devices, and the vendors' services
};

// Before there are threads: files. Says on standard error what this kernel cannot do.
void restrict_server_files(const SandboxNeeds& needs);
// Once it serves: system calls.
void restrict_server_calls(const SandboxNeeds& needs);
// Once models are loaded: keeps prompts and keys out of swap, and says where it cannot and there is some.
void keep_out_of_swap();
// For the configuration: "# call-filter sha256 …", a comment.
std::string call_filter_line(const SandboxNeeds& needs);

}  // namespace sotto::cmd
