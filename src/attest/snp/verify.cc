// The rules of an SNP report, in the order in which each can rely on those before it.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/verify.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "attest/snp/claims.h"
#include "attest/snp/endorsement.h"
#include "base/text_encoding.h"
#include "crypto/signature.h"

namespace sotto::attest::snp {
namespace {

constexpr uint32_t kVmplMax = 3;
constexpr size_t kPathCertificates = 3;  // VCEK or VLEK, ASK or ASVK, ARK

template <class Range>
bool all_zero(const Range& bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

std::string yes_or_no(bool yes) {
  return yes ? "yes" : "no";
}

// AMD's revocation list is its root's and names intermediates: the keys' certificates all have the
// serial number 0, and what replaces revoking them is a newer TCB.
Verified<std::optional<crypto::Crl>> check_revocation(const std::vector<crypto::Certificate>& path,
                                                      const Collateral& collateral, int64_t time) {
  const auto bytes = collateral.find(kRevocationList);
  if (!bytes) return std::nullopt;
  auto crl = TRY(lift("AMD's revocation list", crypto::Crl::parse(*bytes)));
  const crypto::ChainOptions options{.crl_check = crypto::CrlCheck::leaf};
  TRY(lift("AMD's revocation list",
           crypto::verify_chain(path[1], {}, {path[2]}, {crl}, time, options)));
  return crl;
}

class Verification {
 public:
  Verification(const ReportUnverified& report, const Collateral& collateral, const Roots& roots,
               int64_t time, RuleList rules)
      : report_(report),
        collateral_(collateral),
        anchors_(roots.of(Vendor::amd)),
        time_(time),
        rules_(std::move(rules)) {}

  Verified<Claims> run() {
    const auto certificate = TRY(rules_.check("key-certificate", "one certificate", read_key()));
    const auto path =
        TRY(rules_.check("amd-chain", "a path to a pinned root", find_path(certificate)));
    const auto endorsement = TRY(rules_.check("amd-extensions", "product, TCB, chip or provider",
                                              lift("", parse_endorsement(certificate))));
    TRY(check_issuers(path, endorsement));
    const auto crl = TRY(check_crl(path));
    TRY(check_purpose(endorsement));
    TRY(rules_.check("report-signature", "ECDSA P-384 by the key's certificate",
                     check_signature(certificate, endorsement)));
    TRY(check_bindings(endorsement));
    TRY(check_report());
    ClaimsInput input{report_, endorsement, path, crl ? &*crl : nullptr, time_};
    Claims claims = make_claims(input);
    claims.root_replaced = anchors_.replaced;
    claims.rules = rules_.rules();
    return claims;
  }

 private:
  Verified<crypto::Certificate> read_key() {
    const Bytes bytes = TRY(collateral_.need(kKeyCertificate));
    // Those above the key's are at hand for the path.
    given_ = TRY(lift("the report key's certificate", crypto::parse_certificates(bytes)));
    const std::optional<crypto::Certificate> key = find_key_certificate(given_);
    if (!key) {
      return refuse(Reason::wrong_collateral, "not one of the {} certificates in '{}' is a key's",
                    given_.size(), kKeyCertificate);
    }
    return *key;
  }

  Verified<std::vector<crypto::Certificate>> find_path(const crypto::Certificate& certificate) {
    std::vector<crypto::Certificate> intermediates = anchors_.intermediates;
    intermediates.insert(intermediates.end(), given_.begin(), given_.end());
    if (const auto bytes = collateral_.find(kCertificateChain)) {
      const auto given = TRY(lift("AMD's certificate chain", crypto::parse_certificates(*bytes)));
      intermediates.insert(intermediates.end(), given.begin(), given.end());
    }
    const auto path =
        TRY(lift("chain of the report's key",
                 crypto::verify_chain(certificate, intermediates, anchors_.roots, {}, time_)));
    if (path.size() != kPathCertificates) {
      return refuse(Reason::chain_invalid, "the path has {} certificates, not {}", path.size(),
                    kPathCertificates);
    }
    return path;
  }

  // One root and one intermediate for each product and kind of key; their names say which.
  Verified<void> check_issuers(const std::vector<crypto::Certificate>& path,
                               const EndorsementUnverified& endorsement) {
    const std::string_view product = to_string(endorsement.product);
    const bool vlek = endorsement.kind == SigningKey::vlek;
    const std::string expected =
        fmt::format("SEV-{}{}, ARK-{}", vlek ? "VLEK-" : "", product, product);
    const std::string actual =
        fmt::format("{}, {}", path[1].subject_common_name(), path[2].subject_common_name());
    return rules_.require("amd-issuers", expected == actual, Reason::chain_invalid, expected,
                          actual);
  }

  Verified<std::optional<crypto::Crl>> check_crl(const std::vector<crypto::Certificate>& path) {
    if (!collateral_.find(kRevocationList)) return std::nullopt;
    return rules_.check("revocation", "a current list that does not name the intermediate",
                        check_revocation(path, collateral_, time_));
  }

  // Whether the certificate is of the kind and for the product that the report names.
  Verified<void> check_purpose(const EndorsementUnverified& endorsement) {
    TRY(rules_.require("signing-key", report_.signing_key == endorsement.kind,
                       Reason::wrong_collateral, std::string(to_string(report_.signing_key)),
                       std::string(to_string(endorsement.kind))));
    const auto product =
        TRY(rules_.check("processor", "one that is known here", lift("", product_of(report_))));
    // Reports of version 2 do not say; then the certificate's product is that of its issuers.
    return rules_.require("product", !product || *product == endorsement.product,
                          Reason::wrong_collateral,
                          std::string(to_string(product.value_or(endorsement.product))),
                          std::string(to_string(endorsement.product)));
  }

  Verified<void> check_signature(const crypto::Certificate& certificate,
                                 const EndorsementUnverified& endorsement) {
    const auto key = TRY(lift("the report's key", certificate.public_key()));
    if (key.type() != crypto::KeyType::ec_p384) {
      return refuse(Reason::wrong_collateral, "the report's key is {}, not P-384",
                    crypto::to_string(key.type()));
    }
    Verified<void> verified =
        lift("report", crypto::verify_signature(key, crypto::SignatureScheme::ecdsa_raw,
                                                crypto::HashAlgorithm::sha384, report_.signed_bytes,
                                                report_.signature));
    if (verified) return verified;
    // The commonest cause, and not to be told from a forgery: the certificate of another key.
    if (!same_chip(endorsement)) verified.error().message += "; the certificate is another chip's";
    if (report_.reported_tcb != endorsement.tcb) {
      verified.error().message += "; the certificate is for another TCB";
    }
    return verified;
  }

  // Turin fills 8 of the 64 bytes. A host may hide the identity (all zeros); then the signature alone
  // binds the report to the chip, which is what counts, and the claims say that it is hidden. VLEKs
  // are a provider's, not a chip's.
  bool same_chip(const EndorsementUnverified& endorsement) const {
    if (endorsement.kind == SigningKey::vlek || all_zero(report_.chip_id)) return true;
    std::array<uint8_t, 64> hwid{};
    std::ranges::copy(endorsement.hwid, hwid.begin());
    return hwid == report_.chip_id;
  }

  // The report names chip and TCB, and the certificate is for just these.
  Verified<void> check_bindings(const EndorsementUnverified& endorsement) {
    if (endorsement.kind == SigningKey::vcek) {
      TRY(rules_.require("chip-id", same_chip(endorsement), Reason::binding_mismatch,
                         hex_of(report_.chip_id), hex_of(endorsement.hwid)));
    }
    return rules_.require("tcb", report_.reported_tcb == endorsement.tcb, Reason::binding_mismatch,
                          to_string(decode_tcb(report_.reported_tcb, endorsement.product)),
                          to_string(decode_tcb(endorsement.tcb, endorsement.product)));
  }

  // What a processor of AMD never signs, or what we would not understand.
  Verified<void> check_report() {
    const uint64_t policy = report_.policy;
    TRY(rules_.require(
        "policy-bits", (policy & kPolicyReservedZero) == 0 && (policy & kPolicyReservedOne) != 0,
        Reason::unsupported, "bit 17 set, bits 26 to 63 clear", fmt::format("{:#x}", policy)));
    TRY(rules_.require("vmpl", report_.vmpl <= kVmplMax, Reason::malformed, "0 to 3",
                       fmt::format("{}", report_.vmpl)));
    const bool ordered = not_above(report_.reported_tcb, report_.committed_tcb) &&
                         not_above(report_.committed_tcb, report_.current_tcb) &&
                         not_above(report_.launch_tcb, report_.current_tcb);
    TRY(rules_.require("tcb-order", ordered, Reason::tcb_not_supported,
                       "reported ≤ committed ≤ current, launch ≤ current",
                       fmt::format("reported {}, committed {}, current {}, launch {}",
                                   hex_of(report_.reported_tcb), hex_of(report_.committed_tcb),
                                   hex_of(report_.current_tcb), hex_of(report_.launch_tcb))));
    TRY(rules_.require(
        "firmware-order", report_.committed_firmware <= report_.current_firmware,
        Reason::tcb_not_supported, "committed ≤ current",
        fmt::format("committed {}, current {}", to_string(report_.committed_firmware),
                    to_string(report_.current_firmware))));
    return check_id_block();
  }

  // A guest launched without an ID block has no key for it, no ids and no version.
  Verified<void> check_id_block() {
    const bool id_key = !all_zero(report_.id_key_digest);
    const bool author_key = !all_zero(report_.author_key_digest);
    const bool ids =
        !all_zero(report_.family_id) || !all_zero(report_.image_id) || report_.guest_svn != 0;
    const bool consistent =
        author_key == report_.author_key_enabled && (id_key || !author_key) && (id_key || !ids);
    return rules_.require(
        "id-block", consistent, Reason::malformed, "ids and author key only with an ID key",
        fmt::format("ID key: {}, author key: {}, said to be there: {}, ids: {}", yes_or_no(id_key),
                    yes_or_no(author_key), yes_or_no(report_.author_key_enabled), yes_or_no(ids)));
  }

  const ReportUnverified& report_;
  const Collateral& collateral_;
  const Anchors& anchors_;
  int64_t time_;
  RuleList rules_;
  std::vector<crypto::Certificate> given_;  // with the key's
};

Verified<ReportUnverified> read_report(Bytes evidence) {
  auto report = parse_report(evidence);
  if (!report && report.error().kind == ErrorKind::untrusted) {
    return refuse(Reason::unsigned_evidence, "{}", report.error().message);
  }
  return lift("SNP report", std::move(report));
}

}  // namespace

Verified<Claims> verify_snp_report(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                   int64_t time) {
  RuleList rules;
  const auto report =
      TRY(rules.check("report-format", "a signed report of version 2 to 5", read_report(evidence)));
  return Verification(report, collateral, roots, time, std::move(rules)).run();
}

Verified<Claims> verify(const ReportUnverified& report, const Collateral& collateral,
                        const Roots& roots, int64_t time) {
  return Verification(report, collateral, roots, time, {}).run();
}

}  // namespace sotto::attest::snp
