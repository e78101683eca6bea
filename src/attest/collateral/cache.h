// What vendors' services answered, kept on disk: for speed, for their rate limits, and for when they are down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sotto::attest::collateral {

inline constexpr uint64_t kCacheEntryBytesMax = 8 << 20;

struct CacheLimits {
  size_t entries_max = 4096;
  uint64_t bytes_max = 256 << 20;  // of all files together
};

struct CachedAnswer {
  int64_t fetched_at = 0;  // Unix seconds
  std::vector<uint8_t> body;
  std::string chain;  // of the field with the issuers, where the answer had one; decoded
};

// One file per URL, written beside and renamed. Nothing in it is trusted: an entry that was changed is as
// if it was not there, and what it holds is verified on every use like anything that was just fetched.
// Processes may use one folder together.
class Cache {
 public:
  // An empty path: nothing is kept. The folder is made when the first entry is.
  explicit Cache(std::filesystem::path folder, CacheLimits limits = {})
      : folder_(std::move(folder)), limits_(limits) {}

  std::optional<CachedAnswer> find(const std::string& url) const;
  // Best effort: a full disk loses the entry, not the answer. The oldest give way above the limits.
  void put(const std::string& url, const CachedAnswer& answer) const;

 private:
  std::filesystem::path path_of(const std::string& url) const;

  std::filesystem::path folder_;
  CacheLimits limits_;
};

// An entry's file as put() writes it; an error for one that is not whole or another URL's.
Result<CachedAnswer> parse_cache_entry(std::string_view text, const std::string& url);

// $SOTTO_HOME/collateral, or the same under the user's data folder; empty when neither is known.
std::filesystem::path default_cache_folder();

}  // namespace sotto::attest::collateral
