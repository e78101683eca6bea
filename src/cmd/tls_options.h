// How a node's TCP listeners speak: TLS that ends in this process, or plain.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <optional>
#include <string>

#include "attest/node/node.h"
#include "base/result.h"
#include "crypto/tls.h"

namespace sotto::cmd {

struct TlsOptions {
  std::string certificate;
  std::string key;
  bool plain = false;
};

// --tls-cert, --tls-key, --plain.
void add_tls_options(CLI::App& app, TlsOptions& options);

// The node's TLS key, made before the statement that names it and certified after it.
class NodeTls {
 public:
  // An operator's certificate and key where they are given; else a key of our own, with a TEE and without
  // `plain`; else nothing. Without a TEE only what was asked for.
  static Result<NodeTls> prepare(const TlsOptions& options, bool has_tee);

  // DER, for the statement; empty without TLS.
  const std::vector<uint8_t>& spki() const { return spki_; }
  // With a certificate that has the node's bundle as its evidence, where it is our own.
  Result<std::shared_ptr<const crypto::TlsServer>> server(attest::Node* node);

 private:
  std::optional<crypto::KeyPair> key_;
  std::shared_ptr<const crypto::TlsServer> given_;
  std::vector<uint8_t> spki_;
};

}  // namespace sotto::cmd
