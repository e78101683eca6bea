// The rules of an attestation document, in the order in which each can rely on those before it.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nitro/verify.h"

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "crypto/x509.h"

namespace sotto::attest::nitro {
namespace {

constexpr uint32_t kImagePcrs = 3;  // PCR0 to PCR2, which measure an enclave's image

bool all_zero(const std::vector<uint8_t>& bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

class Verification {
 public:
  Verification(const DocumentUnverified& document, const Roots& roots, int64_t time, RuleList rules)
      : document_(document),
        anchors_(roots.of(Vendor::aws_nitro)),
        time_(time),
        issued_at_(static_cast<int64_t>(document.timestamp_ms / 1000)),
        rules_(std::move(rules)) {}

  Verified<Claims> run() {
    TRY(rules_.require("issued-at", issued_at_ - kClockSkewSeconds <= time_, Reason::not_yet_valid,
                       fmt::format("at most {} and {} seconds", time_, kClockSkewSeconds),
                       fmt::format("{}", issued_at_)));
    const auto path = TRY(
        rules_.check("aws-chain", "a path to a pinned root at the document's time", find_path()));
    TRY(check_bundle(path));
    TRY(check_leaf(path.front()));
    TRY(rules_.check("document-signature", "ES384 by the document's certificate",
                     check_signature(path.front())));
    if (document_.variant == Variant::enclave) TRY(check_image_pcrs());
    return make_claims(path);
  }

 private:
  Verified<std::vector<crypto::Certificate>> find_path() {
    const auto leaf = TRY(
        lift("the document's certificate", crypto::Certificate::from_der(document_.certificate)));
    for (size_t i = 0; i < document_.cabundle.size(); ++i) {
      bundle_.push_back(TRY(lift(fmt::format("cabundle[{}]", i),
                                 crypto::Certificate::from_der(document_.cabundle[i]))));
    }
    return lift("the document's chain",
                crypto::verify_chain(leaf, bundle_, anchors_.roots, {}, issued_at_));
  }

  // [NITRO-DOC §3.2.3.1]: the bundle is the path, from the root on, and nothing else.
  Verified<void> check_bundle(const std::vector<crypto::Certificate>& path) {
    bool same = path.size() == bundle_.size() + 1;
    for (size_t i = 0; same && i < bundle_.size(); ++i) {
      same = bundle_[i].fingerprint() == path[path.size() - 1 - i].fingerprint();
    }
    return rules_.require(
        "cabundle", same, Reason::chain_invalid,
        fmt::format("the path's {} certificates above the leaf, in order", path.size() - 1),
        same ? "the same" : fmt::format("{} others", bundle_.size()));
  }

  // The leaf signs documents and nothing else.
  Verified<void> check_leaf(const crypto::Certificate& leaf) {
    const auto usage = leaf.key_usage();
    const bool signs = usage && (*usage & crypto::kUsageDigitalSignature) != 0;
    const bool issues = leaf.is_ca() || (usage && (*usage & crypto::kUsageCertSign) != 0);
    return rules_.require("leaf-usage", signs && !issues, Reason::chain_invalid,
                          "digital signatures, no certificates",
                          fmt::format("digital signatures: {}, certificates: {}",
                                      signs ? "yes" : "no", issues ? "yes" : "no"));
  }

  Verified<void> check_signature(const crypto::Certificate& leaf) {
    const auto key = TRY(lift("the document's key", leaf.public_key()));
    if (key.type() != crypto::KeyType::ec_p384) {
      return refuse(Reason::chain_invalid, "the document's key is {}, not P-384",
                    crypto::to_string(key.type()));
    }
    return lift("document", crypto::verify_signature(key, crypto::SignatureScheme::ecdsa_raw,
                                                     crypto::HashAlgorithm::sha384,
                                                     document_.signed_bytes, document_.signature));
  }

  Verified<void> check_image_pcrs() {
    std::string missing;
    for (uint32_t index = 0; index < kImagePcrs; ++index) {
      if (!document_.pcrs.contains(index)) missing += fmt::format(" PCR{}", index);
    }
    return rules_.require("image-pcrs", missing.empty(), Reason::malformed, "PCR0, PCR1 and PCR2",
                          missing.empty() ? "PCR0, PCR1 and PCR2" : "without" + missing);
  }

  void add_values(Claims& claims) {
    const bool enclave = document_.variant == Variant::enclave;
    for (const auto& [index, value] : document_.pcrs) {
      claims.measurements[fmt::format("{}pcr{}", enclave ? "" : "nitrotpm_", index)] = value;
      if (enclave && index < kImagePcrs && all_zero(value)) claims.debug = true;
    }
    if (document_.user_data) {
      claims.report_data = *document_.user_data;
      claims.values["user_data"] = *document_.user_data;
    }
    if (document_.nonce) claims.values["nonce"] = *document_.nonce;
    if (document_.public_key) claims.values["public_key"] = *document_.public_key;
    claims.notes["module_id"] = document_.module_id;
    claims.notes["digest"] = "SHA384";
  }

  Claims make_claims(const std::vector<crypto::Certificate>& path) {
    Claims claims;
    claims.kind = EvidenceKind::nitro_document;
    claims.platform = document_.variant == Variant::enclave ? "aws-nitro" : "aws-nitrotpm";
    add_values(claims);
    claims.verified_at = time_;
    claims.issued_at = issued_at_;
    int64_t valid_until = path.front().not_after();
    for (const crypto::Certificate& certificate : path) {
      valid_until = std::min(valid_until, certificate.not_after());
    }
    claims.valid_until = valid_until;
    claims.root_replaced = anchors_.replaced;
    claims.rules = rules_.rules();
    return claims;
  }

  const DocumentUnverified& document_;
  const Anchors& anchors_;
  int64_t time_;
  int64_t issued_at_;
  RuleList rules_;
  std::vector<crypto::Certificate> bundle_;
};

}  // namespace

Verified<Claims> verify_nitro_document(Bytes evidence, const Roots& roots, int64_t time) {
  RuleList rules;
  const auto document = TRY(rules.check("document-format", "a COSE_Sign1 message of a document",
                                        lift("attestation document", parse_document(evidence))));
  return Verification(document, roots, time, std::move(rules)).run();
}

Verified<Claims> verify(const DocumentUnverified& document, const Roots& roots, int64_t time) {
  return Verification(document, roots, time, {}).run();
}

}  // namespace sotto::attest::nitro
