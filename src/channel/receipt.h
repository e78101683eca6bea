// Receipts: what a node signs about each answer, so that it can be checked and repeated [receipt].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/answers.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/issue.h"
#include "crypto/sha256.h"
#include "engine/sampler.h"

namespace sotto::channel {

inline constexpr uint64_t kReceiptBytesMax = 64 << 10;  // as a token
inline constexpr size_t kSaltBytesMin = 16;
inline constexpr size_t kSaltBytesMax = 64;

enum class Outcome : uint8_t {
  completed,  // the answer came to its end
  failed,     // an error instead of it, or in its middle
  aborted,    // the asker went away
};
std::string_view to_string(Outcome outcome);

// A plain value; times are Unix seconds.
struct Receipt {
  std::string id;  // the answer's x-request-id
  int64_t issued_at = 0;
  crypto::Sha256Digest statement_sha256{};
  std::string endpoint;  // "chat", "responses", "completions", "embeddings"
  Outcome outcome = Outcome::failed;
  uint32_t status = 0;  // of HTTP
  // Nothing where the request came to no model.
  std::string model;
  crypto::Sha256Digest model_root{};
  uint32_t context = 0;                            // positions that a request could have
  std::string kv;                                  // how keys and values were kept: "f16"
  std::optional<engine::SamplingParams> sampling;  // in effect, with the first choice's seed
  api::Usage usage;
  crypto::Sha256Digest request_sha256{};  // salted, of the body as it came
  crypto::Sha256Digest
      response_sha256{};  // salted, of the body as it went, without the receipt in it
};

// SHA-256("sotto-receipt-v1" ‖ "request" or "response" ‖ one byte: the salt's length ‖ salt ‖ bytes).
enum class Direction : uint8_t { request, response };
class SaltedDigest {
 public:
  SaltedDigest(Direction direction, Bytes salt);
  void update(std::string_view bytes) { hash_.update(as_bytes(bytes)); }
  crypto::Sha256Digest finish() { return hash_.finish(); }

 private:
  crypto::Sha256 hash_;
};
crypto::Sha256Digest salted_digest(Direction direction, Bytes salt, std::string_view bytes);

// A JWS in compact form: EdDSA, typ "sotto-receipt+jwt" [RFC7515], [RFC8037].
std::string sign_receipt(const Receipt& receipt, const crypto::KeyPair& key);

// `untrusted` when the signature is not the key's (32 bytes, Ed25519); `malformed`, `unsupported`.
Result<Receipt> verify_receipt(std::string_view token, Bytes key);

// In a stream the receipt is a comment line before the last event; clients ignore it [SSE §9.2.6].
inline constexpr std::string_view kReceiptComment = ": sotto-receipt ";
// The stream without that line, and the token in it; nothing when there is none, or more than one.
struct SplitStream {
  std::string body;
  std::string token;
};
std::optional<SplitStream> split_receipt(std::string_view stream);
// Where it goes: before the last event when that is [DONE], else behind everything.
std::string with_receipt(std::string events, std::string_view token);

}  // namespace sotto::channel
