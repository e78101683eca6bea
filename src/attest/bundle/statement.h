// What a node says of itself: program, models, settings, keys. Evidence is bound to its exact bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/sha256.h"

namespace sotto::attest {

inline constexpr uint64_t kStatementBytesMax = 256 << 10;
inline constexpr size_t kStatementModelsMax = 64;
inline constexpr size_t kStatementFilesMax = 1024;  // of one model
inline constexpr uint64_t kStatementNameBytesMax = 256;
inline constexpr uint64_t kStatementKeysBytesMax = 4096;

struct StatedModel {
  std::string name;
  std::vector<crypto::Sha256Digest> file_sha256;  // of each of its files, at least one
  crypto::Sha256Digest model_root{};              // [model-identity]
};

// A plain value. It is worth what the measured program that made it is worth.
struct Statement {
  std::string program_version;
  crypto::Sha256Digest program_sha256{};  // of the executable file
  std::string platform;                   // "intel-tdx", "simulated", …: a hint, evidence says it
  uint32_t numerics = 1;                  // version of the contract [numerics]
  crypto::Sha256Digest configuration_sha256{};  // of what `sotto serve --print-config` prints
  std::vector<StatedModel> models;
  // Empty where the node has no such key: nothing can be pinned to it then.
  std::vector<uint8_t> tls_spki_sha256;  // 32 bytes
  std::vector<uint8_t> ohttp_keys;       // application/ohttp-keys [RFC9458 §3.1]
  std::vector<uint8_t> receipt_key;      // Ed25519, 32 bytes
  int64_t started_at = 0;                // Unix seconds
  int64_t valid_until = 0;
};

// JSON [attestation §2]. Strict: a member that is unknown, twice or missing is `malformed`; another
// version is `unsupported`; too many or too long is `exhausted`.
Result<Statement> parse_statement(std::string_view json);
// A statement that parse_statement reads back. What it makes is never made anew from parsed parts.
std::string serialize(const Statement& statement);

}  // namespace sotto::attest
