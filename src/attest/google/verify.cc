// Chain, signature, then the look-up of what the machine measured.
// SPDX-License-Identifier: Apache-2.0
#include "attest/google/verify.h"

#include <algorithm>

#include "base/text_encoding.h"
#include "crypto/signature.h"

namespace sotto::attest::google {
namespace {

// 2 August 2024, since when the release process writes the changelist or commit.
constexpr int64_t kOriginSince = 1'722'556'800;

std::vector<uint8_t> copy(const Measurement& value) {
  return {value.begin(), value.end()};
}

Verified<EndorsementUnverified> check(Bytes bytes, const Roots& roots, int64_t time,
                                      RuleList& rules, Claims& claims) {
  const auto endorsement = TRY(rules.check("endorsement-format", "a launch endorsement",
                                           lift("launch endorsement", parse_endorsement(bytes))));
  const GoldenMeasurement& golden = endorsement.golden;
  const auto signer = TRY(
      rules.check("endorsement-format", "a signing certificate",
                  lift("signing certificate", crypto::Certificate::from_der(golden.certificate))));
  const Anchors& anchors = roots.of(Vendor::google_firmware);
  std::vector<crypto::Certificate> intermediates = anchors.intermediates;
  if (!golden.ca_bundle.empty()) {
    const auto bundle = TRY(lift("CA bundle", crypto::parse_certificates(golden.ca_bundle)));
    intermediates.insert(intermediates.end(), bundle.begin(), bundle.end());
  }
  const auto path =
      TRY(rules.check("endorsement-chain", "a path from the signing certificate to a pinned root",
                      lift("signing certificate",
                           crypto::verify_chain(signer, intermediates, anchors.roots, {}, time))));
  const auto key = TRY(lift("signing certificate", signer.public_key()));
  TRY(rules.check(
      "endorsement-signature", "a signature of the golden measurement",
      lift("signature", crypto::verify_signature(
                            key, crypto::SignatureScheme::rsa_pss, crypto::HashAlgorithm::sha256,
                            endorsement.signed_bytes, endorsement.signature))));
  const bool has_origin = golden.changelist != 0 || !golden.commit.empty();
  TRY(rules.require("endorsement-origin", has_origin || golden.timestamp < kOriginSince,
                    Reason::malformed, "a changelist or a commit", has_origin ? "there" : "none"));
  for (const crypto::Certificate& one : path) {
    claims.valid_until = std::min(claims.valid_until.value_or(one.not_after()), one.not_after());
  }
  claims.root_replaced = claims.root_replaced || anchors.replaced;
  claims.notes["firmware_digest"] = hex_of(golden.firmware);
  return endorsement;
}

Verified<void> find_tdx(const TdxGolden& golden, RuleList& rules, Claims& claims) {
  const std::vector<uint8_t>& mrtd = claims.measurements["mrtd"];
  const auto found = std::ranges::find_if(
      golden.configurations,
      [&](const TdxGolden::Configuration& one) { return std::ranges::equal(one.mrtd, mrtd); });
  TRY(rules.require(
      "firmware-endorsed", found != golden.configurations.end(), Reason::measurement_mismatch,
      fmt::format("one of {} endorsed MRTDs", golden.configurations.size()), hex_of(mrtd)));
  claims.notes["firmware_svn"] = fmt::format("{}", golden.svn);
  claims.notes["firmware_ram_gib"] = fmt::format("{}", found->ram_gib);
  return {};
}

Verified<void> find_snp(const SnpGolden& golden, RuleList& rules, Claims& claims) {
  const std::vector<uint8_t>& measurement = claims.measurements["measurement"];
  const auto found = std::ranges::find_if(golden.measurements, [&](const auto& one) {
    return std::ranges::equal(one.second, measurement);
  });
  TRY(rules.require("firmware-endorsed", found != golden.measurements.end(),
                    Reason::measurement_mismatch,
                    fmt::format("one of {} endorsed measurements", golden.measurements.size()),
                    hex_of(measurement)));
  claims.notes["firmware_svn"] = fmt::format("{}", golden.svn);
  claims.notes["firmware_vcpus"] = fmt::format("{}", found->first);
  return {};
}

}  // namespace

Verified<Claims> verify_endorsement(Bytes bytes, const Roots& roots, int64_t time) {
  RuleList rules;
  Claims claims;
  claims.kind = EvidenceKind::google_endorsement;
  claims.platform = "google-firmware";
  claims.verified_at = time;
  const auto endorsement = TRY(check(bytes, roots, time, rules, claims));
  const GoldenMeasurement& golden = endorsement.golden;
  claims.issued_at = golden.timestamp;
  claims.measurements["firmware"] = copy(golden.firmware);
  if (golden.tdx) {
    for (const TdxGolden::Configuration& one : golden.tdx->configurations) {
      claims.measurements[fmt::format("mrtd.{}gib{}", one.ram_gib,
                                      one.early_accept ? ".early" : "")] = copy(one.mrtd);
    }
  }
  if (golden.snp) {
    for (const auto& [vcpus, value] : golden.snp->measurements) {
      claims.measurements[fmt::format("measurement.{}vcpu", vcpus)] = copy(value);
    }
  }
  claims.rules = rules.rules();
  return claims;
}

Verified<Claims> endorse(Claims machine, Bytes bytes, const Roots& roots, int64_t time) {
  RuleList rules;
  for (const Rule& rule : machine.rules) {
    rules.record(rule.name, rule.verdict, rule.expected, rule.actual);
  }
  const auto endorsement = TRY(check(bytes, roots, time, rules, machine));
  if (machine.kind == EvidenceKind::tdx_quote && endorsement.golden.tdx) {
    TRY(find_tdx(*endorsement.golden.tdx, rules, machine));
  } else if (machine.kind == EvidenceKind::snp_report && endorsement.golden.snp) {
    TRY(find_snp(*endorsement.golden.snp, rules, machine));
  } else {
    return rules.with_rules(
        {Reason::wrong_collateral,
         fmt::format("the launch endorsement says nothing of {} firmware", machine.platform)});
  }
  machine.rules = rules.rules();
  return machine;
}

}  // namespace sotto::attest::google
