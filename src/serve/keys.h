// API keys: a file of salted hashes, and who a request comes from.
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
#include "base/secret_vector.h"
#include "crypto/sha256.h"

namespace sotto::serve {

// 0 stands for no limit.
struct KeyLimits {
  uint64_t requests_per_minute = 0;
  uint64_t tokens_per_minute = 0;  // of prompts and answers
  uint64_t streams = 0;            // requests being answered at once
  uint64_t total_tokens = 0;       // ever
};

struct ApiKey {
  std::string name;             // 1 to 64 of a-z A-Z 0-9 . _ -
  std::string id;               // 8 hexadecimal digits, also in the key itself: what it is found by
  std::string salt;             // 32 hexadecimal digits
  crypto::Sha256Digest hash{};  // of salt and key
  uint64_t tenant = 0;          // for the engine: never 0
  int64_t created = 0;          // Unix time
  int64_t expires = 0;          // 0: never
  KeyLimits limits;
};

inline constexpr size_t kKeysMax = 10'000;
inline constexpr size_t kKeyFileBytesMax = 8 << 20;

bool is_key_name(std::string_view name);

// A key of its own randomness (256 bits, so that one round of SHA-256 is as good as many), and what is
// kept of it. The text is shown once and is nowhere else.
struct NewKey {
  ApiKey key;
  std::string text;  // sk-sotto-ID-SECRET
};
NewKey make_key(std::string name, const KeyLimits& limits, int64_t created, int64_t expires);

// `malformed` with line and column, `denied` for a file that others may read or write, `unavailable`
// for one that is not there.
Result<std::vector<ApiKey>> load_keys(const std::filesystem::path& path);
// Written beside and renamed, mode 0600.
Result<void> save_keys(const std::filesystem::path& path, const std::vector<ApiKey>& keys);

// The keys of a running server. May be used from any thread.
class KeyRing {
 public:
  static Result<std::unique_ptr<KeyRing>> open(const std::filesystem::path& path);
  // Looks at the file again if it changed. A file with a mistake changes nothing and is an error.
  Result<void> reload();

  // By the value of an authorization field, "Bearer KEY". `denied` says no more than that there is
  // none, that it is unknown, or that it is over; unknown keys take as long as known ones.
  Result<std::shared_ptr<const ApiKey>> find(std::string_view authorization, int64_t now) const;

 private:
  using Keys = std::vector<std::shared_ptr<const ApiKey>>;
  explicit KeyRing(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path path_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;  // by id; guarded by the mutex, as is the rest
  std::filesystem::file_time_type changed_;
  uintmax_t bytes_ = 0;
};

}  // namespace sotto::serve
