// What a server gives up once it serves: files that are not its own, programs, outgoing connections, and the
// system calls of somebody who broke in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/sha256.h"

namespace sotto::serve {

struct FileRules {
  std::vector<std::filesystem::path> read;  // files, and folders with all that is in them
  std::vector<std::filesystem::path>
      write;  // folders in which files may be made, changed and removed too
};

// By Linux's Landlock, for this thread and those that it starts, and never to be undone: everything else can
// neither be opened nor run. Paths that are not there are left out. `unsupported` where the kernel has no
// Landlock.
Result<void> restrict_files(const FileRules& rules);

// By seccomp, for all threads at once, and never to be undone: no other program, no debugger, no other
// namespaces or mounts, no kernel modules, no new processes; with `connect` false no outgoing connection
// either, and no new sockets: what listens must listen already. Such a call fails with EPERM. `unsupported` where the kernel has no seccomp.
Result<void> restrict_calls(bool connect);

// Of the filter's instructions, which a server's configuration names.
crypto::Sha256Digest call_filter_sha256(bool connect);

}  // namespace sotto::serve
