// Making attestation documents as the Nitro Security Module does, under a root of the test's.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nitro/signer_for_testing.h"

#include "attest/cbor/cose_sign1.h"

namespace sotto::attest::nitro {
namespace {

constexpr int64_t kDay = 24 * 3600;
constexpr int64_t kLeafSeconds = 3 * 3600;

std::vector<uint8_t> der_of(const crypto::Certificate& certificate) {
  return {certificate.der().begin(), certificate.der().end()};
}

crypto::CertificateSpec authority(const std::string& name, int64_t days,
                                  std::optional<uint32_t> path_length) {
  crypto::CertificateSpec what;
  what.common_name = name;
  what.not_before = SignerForTesting::kTime - days * kDay;
  what.not_after = SignerForTesting::kTime + days * kDay;
  what.is_ca = true;
  what.path_length = path_length;
  what.key_usage = crypto::kUsageCertSign | crypto::kUsageCrlSign | crypto::kUsageDigitalSignature;
  what.hash = crypto::HashAlgorithm::sha384;
  return what;
}

LeafForTesting right_leaf() {
  LeafForTesting leaf;
  leaf.certificate.common_name = "i-0123456789abcdef0-enc0123456789abcdef.test.aws";
  leaf.certificate.not_before = SignerForTesting::kTime - 3;
  leaf.certificate.not_after = SignerForTesting::kTime + kLeafSeconds;
  leaf.certificate.key_usage = crypto::kUsageDigitalSignature;
  leaf.certificate.key_identifiers = false;
  leaf.certificate.hash = crypto::HashAlgorithm::sha384;
  return leaf;
}

void write_optional(cbor::Writer& out, const std::optional<std::vector<uint8_t>>& value) {
  if (value) {
    out.bytes(*value);
  } else {
    out.null();
  }
}

}  // namespace

SignerForTesting::SignerForTesting(const std::function<void(LeafForTesting&)>& change)
    : SignerForTesting(make_root(), change) {}

SignerForTesting SignerForTesting::with_leaf(
    const std::function<void(LeafForTesting&)>& change) const {
  return SignerForTesting({keys_.front(), path_.front()}, change);
}

SignerForTesting::SignerForTesting(const Root& root,
                                   const std::function<void(LeafForTesting&)>& change)
    : keys_{root.key}, path_{root.certificate} {
  LeafForTesting leaf = right_leaf();
  if (change) change(leaf);
  keys_.emplace_back(crypto::KeyType::ec_p384);
  keys_.emplace_back(crypto::KeyType::ec_p384);
  keys_.emplace_back(leaf.key);
  const auto issue = [&](const crypto::CertificateSpec& what) {
    const size_t by = path_.size() - 1;
    path_.push_back(
        crypto::issue_certificate(what, keys_[by + 1].public_key(), &path_[by], keys_[by]));
  };
  issue(authority("region test", 20, 1));
  auto instance = authority("instance test", 1, leaf.issuers_path_length);
  instance.is_ca = leaf.issuer_is_ca;
  issue(instance);
  issue(leaf.certificate);
}

SignerForTesting::Root SignerForTesting::make_root() {
  const crypto::KeyPair key(crypto::KeyType::ec_p384);
  return {key, crypto::issue_certificate(authority("aws.nitro-enclaves test", 3650, {}),
                                         key.public_key(), nullptr, key)};
}

Roots SignerForTesting::roots() const {
  Roots roots;
  roots.replace(Vendor::aws_nitro, {path_.front()});
  return roots;
}

DocumentForTesting SignerForTesting::document() const {
  DocumentForTesting document;
  document.timestamp_ms = uint64_t{kTime} * 1000 + 123;
  for (int64_t index = 0; index < 16; ++index) {
    document.pcrs[index].assign(48, static_cast<uint8_t>(index < 3 ? 0xa0 + index : 0));
  }
  document.certificate = der_of(path_.back());
  for (size_t i = 0; i + 1 < path_.size(); ++i) document.cabundle.push_back(der_of(path_[i]));
  return document;
}

std::vector<uint8_t> SignerForTesting::payload(const DocumentForTesting& document) {
  cbor::Writer out;
  const auto field = [&](std::string_view name, const std::function<void()>& write) {
    if (name == document.left_out) return;
    out.text(name);
    write();
  };
  if (document.indefinite) {
    out.indefinite_map();
  } else {
    out.map(9 - (document.left_out.empty() ? 0 : 1) + (document.more ? 1 : 0));
  }
  field("module_id", [&] { out.text(document.module_id); });
  field("digest", [&] { out.text(document.digest); });
  field("timestamp", [&] { out.integer(static_cast<int64_t>(document.timestamp_ms)); });
  field(document.pcrs_name, [&] {
    out.map(document.pcrs.size());
    for (const auto& [index, value] : document.pcrs) {
      out.integer(index);
      out.bytes(value);
    }
  });
  field("certificate", [&] { out.bytes(document.certificate); });
  field("cabundle", [&] {
    out.array(document.cabundle.size());
    for (const auto& certificate : document.cabundle) out.bytes(certificate);
  });
  field("public_key", [&] { write_optional(out, document.public_key); });
  field("user_data", [&] { write_optional(out, document.user_data); });
  field("nonce", [&] { write_optional(out, document.nonce); });
  if (document.more) document.more(out);
  if (document.indefinite) out.end();
  return out.written();
}

std::vector<uint8_t> SignerForTesting::sign(Bytes payload, int64_t algorithm) const {
  cbor::Writer header;
  header.map(1);
  header.integer(1);
  header.integer(algorithm);
  const auto covered = cbor::cose_signed_bytes(header.written(), payload);
  cbor::Writer out;
  out.array(4);
  out.bytes(header.written());
  out.map(0);
  out.bytes(payload);
  out.bytes(keys_.back().sign(crypto::SignatureScheme::ecdsa_raw, crypto::HashAlgorithm::sha384,
                              covered));
  return out.written();
}

}  // namespace sotto::attest::nitro
