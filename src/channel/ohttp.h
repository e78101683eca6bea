// Oblivious HTTP: one message each way, whole or in chunks [RFC9458 §4, CHUNKED-OHTTP].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "channel/key_config.h"
#include "crypto/hpke.h"

namespace sotto::channel {

using crypto::Secret;

// In chunks a message can be worked on while it comes, and being cut shows.
enum class Form : uint8_t { whole, chunked };
std::string_view request_type(Form form);  // "message/ohttp-req", "message/ohttp-chunked-req"
std::string_view response_type(Form form);

inline constexpr size_t kChunkBytesMax = 16384;        // of plaintext; every receiver takes so many
inline constexpr size_t kRequestHeaderBytes = 7 + 32;  // key and algorithms, then `enc`

// What protects a response's pieces. Made by both sides from the request's context.
class ResponseKeys {
 public:
  ResponseKeys(ResponseKeys&&) = default;
  ResponseKeys& operator=(ResponseKeys&&) = default;
  // `nonce` has response_nonce_bytes(aead).
  ResponseKeys(crypto::AeadId aead, const crypto::HpkeContext& request, Bytes enc, Bytes nonce,
               Form form);
  std::vector<uint8_t> seal(Bytes plaintext, bool last);
  Result<Secret> open(Bytes sealed, bool last);

 private:
  crypto::AeadNonce nonce() const;

  crypto::AeadId aead_;
  Form form_;
  Secret key_;
  crypto::AeadNonce base_nonce_{};
  uint64_t counter_ = 0;
};
size_t response_nonce_bytes(crypto::AeadId aead);

// Takes a chunked message apart as it comes: sealed chunks with their lengths in front, then the last
// behind a zero.
class ChunkSplitter {
 public:
  // The sealed chunks that are whole by now, without the last. `malformed` for an empty one,
  // `exhausted` for one above kChunkBytesMax.
  Result<std::vector<std::vector<uint8_t>>> feed(Bytes bytes);
  // After the last byte: the last chunk. `malformed` when the message was cut before it.
  Result<std::vector<uint8_t>> finish();

 private:
  std::vector<uint8_t> pending_;
  bool last_ = false;  // all that comes belongs to the last one
};
// A sealed chunk with its length in front, or a zero.
std::vector<uint8_t> frame_chunk(Bytes sealed, bool last);

// The client's side of one exchange.
class ClientExchange {
 public:
  // Encrypts to this key; the first of its suites. `ephemeral` only where a test fixes it.
  static Result<ClientExchange> begin(
      const KeyConfig& config, Form form,
      const std::optional<crypto::X25519Key>& ephemeral = std::nullopt);

  // The request: of the form `whole` all of it; in chunks the header, and then a chunk at a time, each
  // at most kChunkBytesMax.
  Result<std::vector<uint8_t>> seal_request(Bytes plaintext);
  const std::vector<uint8_t>& header() const { return header_; }
  Result<std::vector<uint8_t>> seal_chunk(Bytes plaintext, bool last);

  // The response: `whole` all at once.
  Result<Secret> open_response(Bytes bytes);
  // In chunks as it comes; what is given out is authentic and in order. Only what finish() returned
  // without an error is complete. After an error there are only errors.
  Result<Secret> feed(Bytes bytes);
  Result<Secret> finish();

 private:
  ClientExchange(Form form, crypto::AeadId aead, crypto::HpkeSender sender,
                 std::vector<uint8_t> header);
  Result<Secret> open_chunks(Bytes bytes);

  Form form_;
  crypto::AeadId aead_;
  crypto::HpkeSender sender_;
  std::vector<uint8_t> header_;
  std::vector<uint8_t> nonce_;  // of the response, as far as it came
  std::optional<ResponseKeys> keys_;
  ChunkSplitter splitter_;
  bool failed_ = false;
};

// The gateway's side of one exchange.
class GatewayExchange {
 public:
  struct Header {
    uint8_t key_id = 0;
    crypto::AeadId aead{};
    crypto::X25519Public enc{};
  };
  // The first kRequestHeaderBytes. `unsupported` names an algorithm that is not ours.
  static Result<Header> read_header(Bytes bytes);
  // `malformed` for an `enc` of small order.
  static Result<GatewayExchange> begin(const Header& header, Form form,
                                       const crypto::X25519Key& key);

  // All behind the header. In chunks they must be all there, the last included: nothing is done for
  // a request that may have been cut.
  Result<Secret> open_request(Bytes bytes, uint64_t plaintext_max);

  // The response: `whole` all at once with its nonce; in chunks its nonce and then a chunk at a time.
  std::vector<uint8_t> seal_response(Bytes plaintext);
  const std::vector<uint8_t>& response_nonce() const { return nonce_; }
  std::vector<uint8_t> seal_chunk(Bytes plaintext, bool last);
  // Only where a test fixes it, before anything is sealed.
  void set_response_nonce(Bytes nonce);

 private:
  GatewayExchange(const Header& header, Form form, crypto::HpkeContext context);
  void begin_response();

  Header header_;
  Form form_;
  crypto::HpkeContext context_;
  std::vector<uint8_t> nonce_;
  std::optional<ResponseKeys> keys_;
};

}  // namespace sotto::channel
