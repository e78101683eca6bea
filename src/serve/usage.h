// How much each key has used: counts of requests and tokens by day, which survive a restart and a kill.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sotto::serve {

struct UsageRow {
  std::string key;
  std::string day;  // "2026-11-26", UTC
  uint64_t requests = 0;
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
};

// An SQLite database, mode 0600. May be used from any thread.
class Usage {
 public:
  static Result<std::unique_ptr<Usage>> open(const std::filesystem::path& path);
  ~Usage();

  // Is in the file before it returns: a kill of the program loses nothing, a failing power supply
  // perhaps the last moments.
  Result<void> add(const UsageRow& row);
  Result<uint64_t> total_tokens(std::string_view key);
  Result<std::vector<UsageRow>> rows();

  struct Impl;

 private:
  explicit Usage(std::unique_ptr<Impl> impl);
  std::mutex mutex_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto::serve
