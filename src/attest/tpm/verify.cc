// Signature first; nothing that it does not cover is looked at before.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/verify.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/replay.h"
#include "attest/event_log/systemd_log.h"
#include "base/text_encoding.h"

namespace sotto::attest::tpm {
namespace {

using crypto::KeyType;
using crypto::SignatureScheme;

std::vector<uint8_t> big_endian(uint32_t number) {
  return {static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16),
          static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)};
}

size_t field_bytes(KeyType curve) {
  return curve == KeyType::ec_p256 ? 32 : curve == KeyType::ec_p384 ? 48 : 66;
}

// Appends a number at the field's length; a TPM may leave leading zeros out.
Result<void> append_padded(Bytes number, size_t bytes, std::vector<uint8_t>& out) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  if (number.size() > bytes) {
    return fail(ErrorKind::malformed, "a number of {} bytes, more than the field's {}",
                number.size(), bytes);
  }
  out.insert(out.end(), bytes - number.size(), 0);
  out.insert(out.end(), number.begin(), number.end());
  return {};
}

Result<crypto::PublicKey> public_key_of(const EccKey& key) {
  constexpr KeyType kCurves[] = {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521};
  constexpr uint16_t kFirstCurve = 3;
  const KeyType curve = kCurves[key.curve - kFirstCurve];  // parse_public() refuses others
  std::vector<uint8_t> point;
  TRY(append_padded(key.x, field_bytes(curve), point));
  TRY(append_padded(key.y, field_bytes(curve), point));
  return crypto::PublicKey::from_ec_point(curve, point);
}

Result<crypto::PublicKey> public_key_of(const RsaKey& key) {
  return crypto::PublicKey::from_rsa(key.modulus, big_endian(key.exponent));
}

// As parse_signature(), or the bare signature of a key whose scheme is fixed.
Result<SignatureUnverified> read_signature(Bytes bytes, const AttestationKey& key) {
  const bool is_bare = key.scheme == Scheme::rsassa && bytes.size() * 8 == key.key.bits();
  if (!is_bare) return parse_signature(bytes);
  SignatureUnverified signature;
  signature.scheme = key.scheme;
  signature.hash = key.hash;
  signature.rsa = bytes;
  return signature;
}

Result<void> check_signature(Bytes attest, const AttestationKey& key,
                             const SignatureUnverified& signature) {
  const bool is_ecdsa = signature.scheme == Scheme::ecdsa;
  if (is_ecdsa == (key.key.type() == KeyType::rsa) ||
      (key.scheme != Scheme::null &&
       (signature.scheme != key.scheme || signature.hash != key.hash))) {
    return fail(ErrorKind::untrusted, "its scheme is {:#06x} with {}, the key's {:#06x} with {}",
                static_cast<uint16_t>(signature.scheme), event_log::algorithm_name(signature.hash),
                static_cast<uint16_t>(key.scheme), event_log::algorithm_name(key.hash));
  }
  const crypto::HashAlgorithm hash = TRY(event_log::hash_algorithm(signature.hash));
  if (!is_ecdsa) {
    return crypto::verify_signature(
        key.key,
        signature.scheme == Scheme::rsapss ? SignatureScheme::rsa_pss : SignatureScheme::rsa_pkcs1,
        hash, attest, signature.rsa);
  }
  std::vector<uint8_t> raw;
  TRY(append_padded(signature.r, field_bytes(key.key.type()), raw));
  TRY(append_padded(signature.s, field_bytes(key.key.type()), raw));
  return crypto::verify_signature(key.key, SignatureScheme::ecdsa_raw, hash, attest, raw);
}

// Only what the quote selects: nothing vouches for other values.
PcrBanks selected(const std::vector<PcrSelection>& selections, const PcrBanks& banks) {
  PcrBanks out;
  for (const PcrSelection& selection : selections) {
    const auto bank = banks.find(selection.algorithm);
    if (bank == banks.end()) continue;
    for (const auto& [pcr, value] : bank->second) {
      if (pcr < kPcrCount && (selection.pcrs >> pcr & 1) != 0) {
        out[selection.algorithm][pcr] = value;
      }
    }
  }
  return out;
}

void describe(const QuoteUnverified& quote, const PcrBanks& pcrs, Claims& claims) {
  for (const auto& [algorithm, values] : pcrs) {
    const std::string suffix =
        algorithm == event_log::kSha256 ? "" : "." + event_log::algorithm_name(algorithm);
    for (const auto& [pcr, value] : values) {
      claims.measurements[fmt::format("pcr{}{}", pcr, suffix)] = value;
    }
  }
  claims.report_data = {quote.extra_data.begin(), quote.extra_data.end()};
  claims.notes["tpm_clock_ms"] = fmt::format("{}", quote.clock_ms);
  claims.notes["tpm_reset_count"] = fmt::format("{}", quote.reset_count);
  claims.notes["tpm_restart_count"] = fmt::format("{}", quote.restart_count);
  claims.notes["tpm_firmware_version"] = fmt::format("{:#x}", quote.firmware_version);
}

// The bank to replay in: the best that both the quote and the log have.
Result<uint16_t> common_bank(const event_log::Log& log, const PcrBanks& pcrs) {
  using namespace event_log;
  for (const uint16_t algorithm : {kSha256, kSha384, kSha512, kSha1}) {
    if (pcrs.contains(algorithm) &&
        std::ranges::find(log.algorithms, algorithm, &event_log::Algorithm::id) !=
            log.algorithms.end()) {
      return algorithm;
    }
  }
  return fail(ErrorKind::unsupported, "the event log has no digests of a bank that was quoted");
}

// The firmware's log, and systemd's after it, explain the registers that they extend; returns the
// numbers of those that they do not, "10, 23".
Result<std::string> check_event_log(const QuoteEvidence& evidence, const PcrBanks& pcrs) {
  const event_log::Log log =
      TRY(event_log::parse_log(evidence.event_log, event_log::Registers::pcrs));
  const uint16_t algorithm = TRY(common_bank(log, pcrs));
  event_log::RegisterValues values = TRY(event_log::replay(log, algorithm));
  const auto systemd = TRY(event_log::parse_systemd_log(evidence.systemd_log));
  TRY(event_log::replay(systemd, algorithm, values));
  event_log::RegisterValues measured = pcrs.at(algorithm);
  const std::vector<uint32_t> unexplained = event_log::unexplained_registers(values, measured);
  for (const uint32_t pcr : unexplained) measured.erase(pcr);
  TRY(event_log::match_registers(values, measured, event_log::Registers::pcrs));
  return fmt::format("{}", fmt::join(unexplained, ", "));
}

// A mismatch of registers is no bad signature.
Verified<std::string> as_measurement(Result<std::string> result) {
  if (result) return *result;
  if (result.error().kind == ErrorKind::untrusted) {
    return refuse(Reason::measurement_mismatch, "{}", result.error().message);
  }
  return std::unexpected(from_error("event log", result.error()));
}

Verified<void> check_pcr_digest(const QuoteUnverified& quote, const PcrBanks& pcrs,
                                uint16_t algorithm) {
  auto digest = pcr_digest(quote.selections, pcrs, algorithm);
  if (!digest && digest.error().kind == ErrorKind::unavailable) {
    return refuse(Reason::missing_collateral, "{}", digest.error().message);
  }
  const std::vector<uint8_t> given = TRY(lift("PCR values", std::move(digest)));
  if (std::ranges::equal(quote.pcr_digest, given)) return {};
  return refuse(Reason::measurement_mismatch, "the quote has the digest {}, the values give {}",
                hex_of(quote.pcr_digest), hex_of(given));
}

// DER without the zeros that an NV index ends in.
Bytes without_filling(Bytes certificate) {
  if (certificate.size() < 4 || certificate[0] != 0x30 || certificate[1] != 0x82)
    return certificate;
  const size_t size = 4 + (size_t{certificate[2]} << 8 | certificate[3]);
  if (size >= certificate.size()) return certificate;
  const Bytes rest = certificate.subspan(size);
  const bool is_filling = std::ranges::all_of(rest, [](uint8_t byte) { return byte == 0; });
  return is_filling ? certificate.first(size) : certificate;
}

}  // namespace

Result<AttestationKey> attestation_key_of(const PublicArea& area) {
  TRY(check_attestation_key(area));
  return AttestationKey{
      TRY(std::visit([](const auto& one) { return public_key_of(one); }, area.key)), area.scheme,
      area.scheme_hash};
}

Result<AttestationKey> attestation_key_of(const RsaKey& key) {
  return AttestationKey{TRY(public_key_of(key)), Scheme::rsassa, event_log::kSha256};
}

Verified<void> check_quote(const QuoteEvidence& evidence, const AttestationKey& key,
                           std::optional<Bytes> qualifying_data, RuleList& rules, Claims& claims) {
  const auto signature = TRY(
      rules.check("tpm-quote-signature", "a signature of the TPM's quote by its attestation key",
                  lift("quote's signature", [&]() -> Result<SignatureUnverified> {
                    const SignatureUnverified parsed = TRY(read_signature(evidence.signature, key));
                    TRY(check_signature(evidence.attest, key, parsed));
                    return parsed;
                  }())));
  const auto quote = TRY(rules.check("tpm-quote", "a quote of PCRs, made by a TPM",
                                     lift("quote", parse_quote(evidence.attest))));
  if (qualifying_data) {
    TRY(rules.require("tpm-qualifying-data", std::ranges::equal(quote.extra_data, *qualifying_data),
                      Reason::binding_mismatch, hex_of(*qualifying_data),
                      hex_of(quote.extra_data)));
  }
  TRY(rules.check("tpm-pcr-digest", "the digest of the registers' values",
                  check_pcr_digest(quote, evidence.pcrs, signature.hash)));
  const PcrBanks pcrs = selected(quote.selections, evidence.pcrs);
  if (!evidence.event_log.empty()) {
    claims.notes["event_log_unexplained"] =
        TRY(rules.check("tpm-event-log", "an event log that explains the registers it extends",
                        as_measurement(check_event_log(evidence, pcrs))));
  }
  describe(quote, pcrs, claims);
  claims.values["ak_spki"] = key.key.spki();
  return {};
}

Verified<void> check_key_certificate(const QuoteEvidence& evidence, const AttestationKey& key,
                                     const Anchors& anchors, int64_t time, RuleList& rules,
                                     Claims& claims) {
  const auto leaf =
      TRY(rules.check("tpm-key-certificate", "a certificate",
                      lift("attestation key's certificate",
                           crypto::Certificate::from_der(without_filling(evidence.certificate)))));
  const auto certified = TRY(lift("attestation key's certificate", leaf.public_key()));
  TRY(rules.require("tpm-key-certificate", certified == key.key, Reason::binding_mismatch,
                    hex_of(key.key.spki()), hex_of(certified.spki())));
  std::vector<crypto::Certificate> intermediates = anchors.intermediates;
  if (!evidence.intermediates.empty()) {
    const auto sent =
        TRY(lift("intermediates", crypto::parse_certificates(evidence.intermediates)));
    intermediates.insert(intermediates.end(), sent.begin(), sent.end());
  }
  const auto path = TRY(
      rules.check("tpm-key-chain", "a path from the attestation key's certificate to a pinned root",
                  lift("attestation key's certificate",
                       crypto::verify_chain(leaf, intermediates, anchors.roots, {}, time))));
  claims.notes["ak_subject"] = leaf.subject();
  claims.notes["ak_root"] = path.back().subject_common_name();
  for (const crypto::Certificate& one : path) {
    claims.valid_until = std::min(claims.valid_until.value_or(one.not_after()), one.not_after());
  }
  claims.root_replaced = claims.root_replaced || anchors.replaced;
  return {};
}

namespace {

// So that every bit of the public area is one that the quote speaks of.
Verified<void> check_primary(const QuoteEvidence& evidence, const PublicArea& area,
                             RuleList& rules) {
  const auto quote = TRY(lift("quote", parse_quote(evidence.attest)));
  const auto endorsement =
      TRY(lift("attestation key", qualified_name_of(area, kEndorsementHierarchy)));
  const auto owner = TRY(lift("attestation key", qualified_name_of(area, kOwnerHierarchy)));
  const bool is_primary = std::ranges::equal(quote.qualified_signer, endorsement) ||
                          std::ranges::equal(quote.qualified_signer, owner);
  return rules.require("tpm-key-primary", is_primary, Reason::binding_mismatch, hex_of(endorsement),
                       hex_of(quote.qualified_signer));
}

Verified<void> check_key(const QuoteEvidence& evidence, const AttestationKey& key,
                         const QuoteOptions& options, const Roots& roots, RuleList& rules,
                         Claims& claims) {
  if (std::ranges::find(options.trusted_keys, key.key.spki()) != options.trusted_keys.end()) {
    rules.record("tpm-key-trusted", RuleVerdict::passed, "a key that the caller names",
                 "a key that the caller names");
    return {};
  }
  TRY(rules.require("tpm-key-chain", !evidence.certificate.empty(), Reason::untrusted_root,
                    "a certificate, or a key that the caller names", "neither"));
  Anchors anchors;
  for (const Vendor vendor : {Vendor::google_vtpm, Vendor::azure_vtpm}) {
    const Anchors& of_vendor = roots.of(vendor);
    anchors.roots.insert(anchors.roots.end(), of_vendor.roots.begin(), of_vendor.roots.end());
    anchors.intermediates.insert(anchors.intermediates.end(), of_vendor.intermediates.begin(),
                                 of_vendor.intermediates.end());
    anchors.replaced = anchors.replaced || of_vendor.replaced;
  }
  return check_key_certificate(evidence, key, anchors, claims.verified_at, rules, claims);
}

Verified<Claims> verify(const QuoteEvidence& evidence, const QuoteOptions& options,
                        const Roots& roots, int64_t time, RuleList& rules) {
  Claims claims;
  claims.kind = EvidenceKind::tpm_quote;
  claims.platform = "tpm";
  claims.verified_at = time;
  const PublicArea area = TRY(rules.check("tpm-key", "an RSA or elliptic-curve key",
                                          lift("attestation key", parse_public(evidence.key))));
  const auto attributes = check_attestation_key(area);
  TRY(rules.require("tpm-key-attributes", attributes.has_value(), Reason::identity_mismatch,
                    "a restricted signing key",
                    attributes ? "a restricted signing key" : attributes.error().message));
  const AttestationKey key = TRY(rules.check("tpm-key", "an RSA or elliptic-curve key",
                                             lift("attestation key", attestation_key_of(area))));
  claims.values["ak_name"] =
      TRY(rules.check("tpm-key-name", "a name", lift("attestation key", name_of(area))));
  TRY(check_key(evidence, key, options, roots, rules, claims));
  std::optional<Bytes> qualifying;
  if (options.qualifying_data) qualifying = *options.qualifying_data;
  TRY(check_quote(evidence, key, qualifying, rules, claims));
  TRY(check_primary(evidence, area, rules));
  claims.rules = rules.rules();
  return claims;
}

}  // namespace

Verified<Claims> verify_quote(const QuoteEvidence& evidence, const QuoteOptions& options,
                              const Roots& roots, int64_t time) {
  RuleList rules;
  return verify(evidence, options, roots, time, rules);
}

Verified<Claims> verify_tpm_quote(Bytes bytes, const QuoteOptions& options, const Roots& roots,
                                  int64_t time) {
  RuleList rules;
  const auto evidence = TRY(rules.check(
      "tpm-evidence", "a TPM's evidence",
      lift("evidence",
           parse_evidence({reinterpret_cast<const char*>(bytes.data()), bytes.size()}))));
  return verify(evidence, options, roots, time, rules);
}

}  // namespace sotto::attest::tpm
