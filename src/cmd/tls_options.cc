// Keys and certificates.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/tls_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>

#include "attest/cbor/writer.h"
#include "base/check.h"
#include "base/text_encoding.h"
#include "cmd/evidence_files.h"
#include "crypto/pem.h"

namespace sotto::cmd {
namespace {

constexpr size_t kEvidenceBytesMax = 16 << 10;  // in each of a certificate's two extensions

// A conceptual message wrapper in its CBOR form [CMW §3.1]: a media type and the message.
std::vector<uint8_t> cmw_of(const std::string& bundle) {
  attest::cbor::Writer writer;
  writer.array(2);
  writer.text("application/vnd.sotto.bundle+json");
  writer.bytes(as_bytes(bundle));
  return writer.written();
}

// As an OCTET STRING, which is how id-pe-cmw tells CBOR from JSON [CMW §6].
std::vector<uint8_t> octet_string(Bytes bytes) {
  CHECK(bytes.size() >= 256 && bytes.size() <= 0xffff);  // else the length is written otherwise
  std::vector<uint8_t> der(4 + bytes.size());
  der[0] = 0x04;
  der[1] = 0x82;
  der[2] = static_cast<uint8_t>(bytes.size() >> 8);
  der[3] = static_cast<uint8_t>(bytes.size());
  std::ranges::copy(bytes, der.begin() + 4);
  return der;
}

}  // namespace

void add_tls_options(CLI::App& app, TlsOptions& options) {
  CLI::Option* certificate = app.add_option(
      "--tls-cert", options.certificate, "a certificate's chain in PEM, instead of one of our own");
  CLI::Option* key = app.add_option("--tls-key", options.key, "its private key in PEM");
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag(
      "--plain", options.plain,
      "with a TEE: speak plain HTTP at TCP listeners; only what is sealed is then protected");
}

Result<NodeTls> NodeTls::prepare(const TlsOptions& options, bool has_tee) {
  NodeTls tls;
  if (options.plain && !options.certificate.empty()) {
    return fail(ErrorKind::malformed, "--plain and --tls-cert exclude each other");
  }
  if (!options.certificate.empty()) {
    const auto chain = TRY(read_evidence_file(options.certificate, crypto::kPemBytesMax));
    const auto key = TRY(read_evidence_file(options.key, crypto::kPemBytesMax));
    auto given = crypto::TlsServer::create(as_text(chain), as_text(key));
    if (!given) return within("--tls-cert, --tls-key", given.error());
    tls.given_ = std::move(*given);
    tls.spki_ = tls.given_->spki();
  } else if (has_tee && !options.plain) {
    tls.key_.emplace(crypto::KeyType::ec_p256);
    tls.spki_ = tls.key_->public_key().spki();
  }
  return tls;
}

Result<std::shared_ptr<const crypto::TlsServer>> NodeTls::server(attest::Node* node) {
  if (given_ != nullptr || !key_) return given_;
  const int64_t now = std::time(nullptr);
  crypto::CertificateSpec spec;
  spec.common_name = "sotto node";
  spec.organization = hex_of(node->statement_sha256());
  spec.serial = static_cast<uint64_t>(now);
  spec.not_before = now - 300;
  spec.not_after = now + 398 * int64_t{86400};
  spec.key_usage = crypto::kUsageDigitalSignature;
  // For whoever looks for evidence there; our own client asks for it with a nonce. Every handshake carries
  // it, so it is without collateral, and left out where it is large, as with a TPM's logs.
  attest::Bundle bundle = TRY(attest::parse_bundle(TRY(node->bundle({}, now))));
  bundle.collateral = {};
  bundle.event_logs.clear();
  const std::vector<uint8_t> evidence = cmw_of(attest::serialize(bundle));
  if (evidence.size() <= kEvidenceBytesMax) {
    spec.extensions.push_back({"1.3.6.1.5.5.7.1.35", octet_string(evidence)});  // id-pe-cmw
    // tcg-dice-conceptual-message-wrapper, once called tagged evidence
    spec.extensions.push_back({"2.23.133.5.4.9", evidence});
  }
  return crypto::TlsServer::create(
      crypto::issue_certificate(spec, key_->public_key(), nullptr, *key_), *key_);
}

}  // namespace sotto::cmd
