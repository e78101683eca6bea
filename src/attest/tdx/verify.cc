// The steps of verifying a quote, each of which is a rule.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/verify.h"

#include <algorithm>

#include "attest/tdx/claims_of.h"
#include "attest/tdx/collateral.h"
#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"
#include "attest/tdx/tcb.h"
#include "attest/tdx/trust.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "crypto/sha256.h"

namespace sotto::attest::tdx {
namespace {

using crypto::Certificate;

constexpr std::string_view kIntelQeVendor = "939a7233f79c4ca9940a0db3957f0607";

// Whether the masked bits of `actual` are `wanted`.
template <size_t kBytes>
bool masked_equal(const Field<kBytes>& actual, const Field<kBytes>& mask,
                  const Field<kBytes>& wanted) {
  for (size_t i = 0; i < kBytes; ++i) {
    if ((actual[i] & mask[i]) != wanted[i]) return false;
  }
  return true;
}

Verified<void> verify_p256(std::string_view what, const crypto::PublicKey& key, Bytes message,
                           Bytes signature) {
  return lift(what, crypto::verify_signature(key, crypto::SignatureScheme::ecdsa_raw,
                                             crypto::HashAlgorithm::sha256, message, signature));
}

Verified<crypto::PublicKey> p256_key(const Certificate& certificate) {
  crypto::PublicKey key = TRY(lift("PCK certificate", certificate.public_key()));
  if (key.type() != crypto::KeyType::ec_p256) {
    return refuse(Reason::unsupported, "PCK certificate: a key of {}", to_string(key.type()));
  }
  return key;
}

// The steps in their order; each may use what those before it found.
class Verification {
 public:
  Verification(const Collateral& collateral, Trust trust, TeeType tee)
      : collateral_(collateral), trust_(std::move(trust)), tee_(tee) {}

  Verified<Found> run(Bytes evidence) {
    TRY(read_quote(evidence));
    TRY(check_pck());
    TRY(check_signatures());
    TRY(check_revocation());
    TRY(check_tcb_info());
    TRY(check_qe_identity());
    TRY(check_tcb());
    found_.valid_until = trust_.valid_until();
    found_.verified_at = trust_.time();
    found_.rules = rules_.rules();
    return std::move(found_);
  }

 private:
  Verified<void> read_quote(Bytes evidence) {
    found_.quote = TRY(rules_.check("quote-format", "a quote of version 3, 4 or 5",
                                    lift("quote", parse_quote(evidence))));
    const bool is_td = std::holds_alternative<TdReport>(found_.quote.report);
    TRY(rules_.require("quote-kind", is_td == (tee_ == TeeType::tdx), Reason::wrong_kind,
                       tee_ == TeeType::tdx ? "a trust domain (TDX)" : "an enclave (SGX)",
                       is_td ? "a trust domain (TDX)" : "an enclave (SGX)"));
    const std::string vendor = hex_of(found_.quote.qe_vendor_id);
    return rules_.require("qe-vendor", vendor == kIntelQeVendor, Reason::identity_mismatch,
                          std::string(kIntelQeVendor), vendor);
  }

  Verified<std::vector<Certificate>> pck_chain() const {
    if (const std::optional<Bytes> given = collateral_.find(kPckChain); given) {
      return trust_.parse_chain(kPckChain, *given);
    }
    if (found_.quote.certification != CertificationData::pck_chain) {
      TRY(collateral_.need(kPckChain));
    }
    return trust_.parse_chain("PCK chain", found_.quote.certification_data);
  }

  Verified<void> check_pck() {
    const std::vector<Certificate> chain =
        TRY(rules_.check("pck-chain-format", "the PCK certificate and its issuers", pck_chain()));
    pck_ = TRY(rules_.check("pck-chain", "a path to Intel's pinned root, valid at the time",
                            trust_.check_pck_chain(chain)));
    found_.platform = TRY(rules_.check("pck-platform", "Intel's extension with TCB and FMSPC",
                                       lift("PCK certificate", parse_pck_platform(*pck_))));
    return {};
  }

  Verified<void> check_signatures() {
    const QuoteUnverified& quote = found_.quote;
    const crypto::PublicKey pck_key = TRY(rules_.check("pck-key", "a P-256 key", p256_key(*pck_)));
    TRY(rules_.check(
        "qe-report-signature", "by the PCK",
        verify_p256("QE report", pck_key, quote.qe_report_bytes, quote.qe_report_signature)));
    crypto::Sha256 hash;
    hash.update(quote.attestation_key);
    hash.update(quote.qe_authentication_data);
    Field<64> expected{};
    const crypto::Sha256Digest digest = hash.finish();
    std::copy(digest.begin(), digest.end(), expected.begin());
    TRY(rules_.require("attestation-key-binding", quote.qe_report.report_data == expected,
                       Reason::binding_mismatch, hex_of(expected),
                       hex_of(quote.qe_report.report_data)));
    const crypto::PublicKey key = TRY(rules_.check(
        "attestation-key", "a point of P-256",
        lift("attestation key",
             crypto::PublicKey::from_ec_point(crypto::KeyType::ec_p256, quote.attestation_key))));
    TRY(rules_.check("quote-signature", "by the attestation key",
                     verify_p256("quote", key, quote.signed_bytes, quote.signature)));
    return {};
  }

  // Certificates were looked up in the CRLs on the way; here both must have been there.
  Verified<void> check_revocation() {
    TRY(rules_.check("pck-revocation", "CRLs of the root and of the PCK's issuer",
                     trust_.need_crls()));
    return rules_.check("pck-crl-issuer", "a path to Intel's pinned root",
                        trust_.check_crl_issuers());
  }

  Verified<void> check_tcb_info() {
    const std::string_view json =
        TRY(rules_.check("tcb-info-signature", "by Intel's TCB signer",
                         trust_.check_signed(kTcbInfo, "tcbInfo", kTcbSigningChain)));
    info_ = TRY(rules_.check("tcb-info-format", "TCB info of version 2 or 3",
                             lift(kTcbInfo, parse_tcb_info(json))));
    TRY(rules_.require("tcb-info-kind", info_.tee == tee_, Reason::wrong_collateral,
                       tee_ == TeeType::tdx ? "TDX" : "SGX",
                       info_.tee == TeeType::tdx ? "TDX" : "SGX"));
    TRY(rules_.check("tcb-info-validity", "issued before and renewed after the time",
                     trust_.check_window(kTcbInfo, info_.issue_date, info_.next_update)));
    TRY(rules_.require("tcb-info-fmspc", info_.fmspc == found_.platform.fmspc,
                       Reason::wrong_collateral, hex_of(found_.platform.fmspc),
                       hex_of(info_.fmspc)));
    return rules_.require("tcb-info-pceid", info_.pce_id == found_.platform.pce_id,
                          Reason::wrong_collateral, hex_of(found_.platform.pce_id),
                          hex_of(info_.pce_id));
  }

  Verified<void> check_qe_identity() {
    const std::string_view json = TRY(
        rules_.check("qe-identity-signature", "by Intel's TCB signer",
                     trust_.check_signed(kQeIdentity, "enclaveIdentity", kQeIdentitySigningChain)));
    const EnclaveIdentity identity =
        TRY(rules_.check("qe-identity-format", "an enclave identity of version 2",
                         lift(kQeIdentity, parse_enclave_identity(json))));
    const std::string_view id = tee_ == TeeType::tdx ? "TD_QE" : "QE";
    TRY(rules_.require("qe-identity-kind", identity.id == id, Reason::wrong_collateral,
                       std::string(id), identity.id));
    TRY(rules_.check("qe-identity-validity", "issued before and renewed after the time",
                     trust_.check_window(kQeIdentity, identity.issue_date, identity.next_update)));
    const EnclaveReport& report = found_.quote.qe_report;
    TRY(rules_.require(
        "qe-miscselect",
        masked_equal(report.misc_select, identity.misc_select_mask, identity.misc_select),
        Reason::identity_mismatch, hex_of(identity.misc_select), hex_of(report.misc_select)));
    TRY(rules_.require(
        "qe-attributes",
        masked_equal(report.attributes, identity.attributes_mask, identity.attributes),
        Reason::identity_mismatch, hex_of(identity.attributes), hex_of(report.attributes)));
    TRY(rules_.require("qe-mrsigner", report.mr_signer == identity.mr_signer,
                       Reason::identity_mismatch, hex_of(identity.mr_signer),
                       hex_of(report.mr_signer)));
    TRY(rules_.require("qe-isvprodid", report.isv_prod_id == identity.isv_prod_id,
                       Reason::identity_mismatch, fmt::format("{}", identity.isv_prod_id),
                       fmt::format("{}", report.isv_prod_id)));
    const IsvTcbLevel level =
        TRY(rules_.check("qe-tcb-level", "a level that the quoting enclave reaches",
                         match_isv(identity.levels, report.isv_svn, "quoting enclave")));
    found_.qe = level.verdict;
    found_.qe_identity_evaluation_number = identity.evaluation_number;
    return {};
  }

  // The module that loaded the domain is the one its version says, and at which level.
  Verified<void> check_module(const TdReport& report) {
    const TdxModuleIdentity& module =
        *TRY(rules_.check("tdx-module-identity", "the TCB info knows the module's version",
                          find_module(info_, report.tee_tcb_svn[1])));
    TRY(rules_.require("tdx-module-mrsigner", module.mr_signer == report.mr_signer_seam,
                       Reason::identity_mismatch, hex_of(module.mr_signer),
                       hex_of(report.mr_signer_seam)));
    TRY(rules_.require(
        "tdx-module-attributes",
        masked_equal(report.seam_attributes, module.attributes_mask, module.attributes),
        Reason::identity_mismatch, hex_of(module.attributes), hex_of(report.seam_attributes)));
    if (report.tee_tcb_svn[1] == 0) return {};  // its components count among the platform's
    const IsvTcbLevel level =
        TRY(rules_.check("tdx-module-tcb-level", "a level that the module reaches",
                         match_isv(module.levels, report.tee_tcb_svn[0], "TDX module")));
    found_.module = level.verdict;
    return {};
  }

  // The converged status for a trust domain whose module is at `svn`; of an enclave for null.
  Verified<TcbStatus> status_at(const Field<16>* svn) const {
    TcbStatus status = TRY(match_platform(info_, found_.platform, svn)).verdict.status;
    if (svn != nullptr && (*svn)[1] > 0) {
      const TdxModuleIdentity& module = *TRY(find_module(info_, (*svn)[1]));
      status =
          converge(status, TRY(match_isv(module.levels, (*svn)[0], "TDX module")).verdict.status);
    }
    return converge(status, found_.qe.status);
  }

  Verified<void> check_tcb() {
    const auto* report = std::get_if<TdReport>(&found_.quote.report);
    const Field<16>* svn = report == nullptr ? nullptr : &report->tee_tcb_svn;
    if (report != nullptr) TRY(check_module(*report));
    const PlatformTcbLevel level =
        TRY(rules_.check("tcb-level", "a level that the platform reaches",
                         match_platform(info_, found_.platform, svn)));
    found_.platform_level = level.verdict;
    found_.status = TRY(status_at(svn));
    if (report != nullptr && report->tee_tcb_svn2 && *report->tee_tcb_svn2 != *svn) {
      const Verified<TcbStatus> now = status_at(&*report->tee_tcb_svn2);
      if (now) found_.status = advise_relaunch(found_.status, *now);
    }
    found_.tcb_evaluation_number = info_.evaluation_number;
    found_.releases_behind = releases_behind(info_, level.verdict.date);
    return rules_.require("tcb-not-revoked", found_.status != TcbStatus::revoked,
                          Reason::tcb_revoked, "any status but Revoked",
                          std::string(to_string(found_.status)));
  }

  const Collateral& collateral_;
  Trust trust_;
  const TeeType tee_;
  RuleList rules_;
  Found found_;
  std::optional<Certificate> pck_;
  TcbInfo info_;
};

Verified<Found> verify(Bytes evidence, const Collateral& collateral, const Roots& roots,
                       int64_t time, TeeType tee) {
  Verification verification(collateral, TRY(Trust::make(collateral, roots, time)), tee);
  return verification.run(evidence);
}

}  // namespace

Verified<Claims> verify_tdx_quote(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time) {
  Claims claims = claims_of_td(TRY(verify(evidence, collateral, roots, time, TeeType::tdx)));
  claims.root_replaced = roots.of(Vendor::intel_sgx).replaced;
  return claims;
}

Verified<Claims> verify_sgx_quote(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time) {
  Claims claims = claims_of_enclave(TRY(verify(evidence, collateral, roots, time, TeeType::sgx)));
  claims.root_replaced = roots.of(Vendor::intel_sgx).replaced;
  return claims;
}

}  // namespace sotto::attest::tdx
