// AWS played for tests: a chain as a hypervisor makes it, and documents that its leaf signs. They
// protect nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attest/cbor/writer.h"
#include "attest/nitro/document.h"
#include "attest/roots.h"
#include "crypto/issue.h"

namespace sotto::attest::nitro {

// A document's fields, right as made by SignerForTesting::document().
struct DocumentForTesting {
  std::string module_id = "i-0123456789abcdef0-enc0123456789abcdef";
  std::string digest = "SHA384";
  uint64_t timestamp_ms = 0;
  std::string pcrs_name = "pcrs";
  std::map<int64_t, std::vector<uint8_t>> pcrs = {};
  std::vector<uint8_t> certificate = {};
  std::vector<std::vector<uint8_t>> cabundle = {};
  std::optional<std::vector<uint8_t>> public_key = {};
  std::optional<std::vector<uint8_t>> user_data = {};
  std::optional<std::vector<uint8_t>> nonce = {};
  std::string left_out = {};  // a field by its name
  bool indefinite = true;     // the payload's map, as the module has made it since 2025
  // Writes one more pair behind the others.
  std::function<void(cbor::Writer&)> more = {};
};

// The leaf's certificate and what stands above it.
struct LeafForTesting {
  crypto::CertificateSpec certificate;
  crypto::KeyType key = crypto::KeyType::ec_p384;
  std::optional<uint32_t> issuers_path_length = 0;
  bool issuer_is_ca = true;
};

class SignerForTesting {
 public:
  static constexpr int64_t kTime = 1'750'000'000;  // the leaf is valid from here on for three hours

  // Root, two intermediates and a leaf, which is changed first.
  explicit SignerForTesting(const std::function<void(LeafForTesting&)>& change = {});

  // The same root, other intermediates and another leaf.
  SignerForTesting with_leaf(const std::function<void(LeafForTesting&)>& change) const;

  const crypto::Certificate& root() const { return path_.front(); }
  Roots roots() const;
  DocumentForTesting document() const;
  // The CBOR map.
  static std::vector<uint8_t> payload(const DocumentForTesting& document);
  // The COSE_Sign1 message, untagged.
  std::vector<uint8_t> sign(Bytes payload, int64_t algorithm = -35) const;
  std::vector<uint8_t> sign(const DocumentForTesting& document) const {
    return sign(payload(document));
  }

 private:
  struct Root {
    crypto::KeyPair key;
    crypto::Certificate certificate;
  };
  static Root make_root();
  SignerForTesting(const Root& root, const std::function<void(LeafForTesting&)>& change);

  std::vector<crypto::KeyPair> keys_;      // root first, leaf last
  std::vector<crypto::Certificate> path_;  // likewise
};

}  // namespace sotto::attest::nitro
