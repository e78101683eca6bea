// Signature, signer, chain; then the JSON that they vouch for.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/imds.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <chrono>

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"
#include "crypto/sha256.h"
#include "crypto/signed_data.h"

namespace sotto::attest::azure {
namespace {

namespace json = boost::json;

// Azure's clouds: public, US government, China, and Germany's former one.
constexpr std::array<std::string_view, 4> kSigners = {
    "metadata.azure.com", "metadata.azure.us", "metadata.azure.cn", "metadata.microsoftazure.de"};

struct Document {
  std::string nonce, vm_id, subscription_id, sku;
  int64_t created = 0, expires = 0;
};

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

Result<Document> parse_document(Bytes bytes) {
  const json::value value = TRY(parse_strict_json(as_text(bytes), bytes.size()));
  if (!value.is_object()) return fail(ErrorKind::malformed, "not a JSON object");
  const json::object& object = value.get_object();
  Document document;
  document.nonce = text_of(object, "nonce");
  document.vm_id = text_of(object, "vmId");
  document.subscription_id = text_of(object, "subscriptionId");
  document.sku = text_of(object, "sku");
  if (document.vm_id.empty()) return fail(ErrorKind::malformed, "vmId is missing");
  const json::value* stamp = object.if_contains("timeStamp");
  if (stamp == nullptr || !stamp->is_object()) {
    return fail(ErrorKind::malformed, "timeStamp is missing");
  }
  document.created = TRY(parse_imds_time(text_of(stamp->get_object(), "createdOn")));
  document.expires = TRY(parse_imds_time(text_of(stamp->get_object(), "expiresOn")));
  return document;
}

// IMDS answers in base64; files of it may end in a line end.
Result<std::vector<uint8_t>> to_der(Bytes document) {
  constexpr uint8_t kSequence = 0x30;
  if (document.size() > 2 * crypto::kSignedDataBytesMax) {
    return fail(ErrorKind::exhausted, "a document of {} bytes", document.size());
  }
  // Base64 of a DER sequence begins with "MI".
  if (document.empty() || document[0] == kSequence) {
    return std::vector<uint8_t>(document.begin(), document.end());
  }
  std::string_view text(reinterpret_cast<const char*>(document.data()), document.size());
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return bytes_of_base64(text, Base64::standard);
}

bool is_azure(std::string_view name) {
  return std::ranges::any_of(kSigners, [name](std::string_view signer) {
    return name == signer || name.ends_with("." + std::string(signer));
  });
}

Verified<void> check_chain(const crypto::SignedData& data, const Collateral& collateral,
                           const Roots& roots, RuleList& rules, Claims& claims) {
  const Anchors& anchors = roots.of(Vendor::microsoft_tls);
  std::vector<crypto::Certificate> intermediates = anchors.intermediates;
  intermediates.insert(intermediates.end(), data.certificates.begin(), data.certificates.end());
  if (const auto blob = collateral.find(kImdsIntermediates)) {
    const auto more = TRY(lift(kImdsIntermediates, crypto::parse_certificates(*blob)));
    intermediates.insert(intermediates.end(), more.begin(), more.end());
  }
  const auto path = TRY(rules.check(
      "imds-chain", "a path from the signer's certificate to a pinned root",
      lift("signer's certificate", crypto::verify_chain(data.signer, intermediates, anchors.roots,
                                                        {}, claims.verified_at))));
  for (const crypto::Certificate& one : path) {
    claims.valid_until = std::min(claims.valid_until.value_or(one.not_after()), one.not_after());
  }
  claims.root_replaced = anchors.replaced;
  return {};
}

Verified<void> check_lifetime(const Document& document, RuleList& rules, Claims& claims) {
  const int64_t time = claims.verified_at;
  const std::string window = fmt::format("{} to {}", document.created, document.expires);
  TRY(rules.require("imds-lifetime", time >= document.created, Reason::not_yet_valid, window,
                    fmt::format("{}", time)));
  TRY(rules.require("imds-lifetime", time <= document.expires, Reason::expired, window,
                    fmt::format("{}", time)));
  claims.issued_at = document.created;
  claims.valid_until = std::min(claims.valid_until.value_or(document.expires), document.expires);
  return {};
}

}  // namespace

Result<int64_t> parse_imds_time(std::string_view text) {
  constexpr std::string_view kForm = "00/00/00 00:00:00 -0000";  // a 0 stands for a digit
  bool fits = text.size() == kForm.size();
  for (size_t i = 0; fits && i < text.size(); ++i) {
    fits = kForm[i] == '0' && i < kForm.size() - 4 ? text[i] >= '0' && text[i] <= '9'
                                                   : text[i] == kForm[i];
  }
  if (!fits) return fail(ErrorKind::malformed, "a time is not of the form MM/DD/YY hh:mm:ss -0000");
  const auto number = [&](size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  using namespace std::chrono;
  const year_month_day date(year(2000 + number(6)), month(static_cast<unsigned>(number(0))),
                            day(static_cast<unsigned>(number(3))));
  if (!date.ok() || number(9) > 23 || number(12) > 59 || number(15) > 59) {
    return fail(ErrorKind::malformed, "a time has no such day or hour");
  }
  const auto at = sys_days(date) + hours(number(9)) + minutes(number(12)) + seconds(number(15));
  return at.time_since_epoch() / seconds(1);
}

Result<std::vector<uint8_t>> parse_imds_answer(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, 4 * crypto::kSignedDataBytesMax));
  if (!value.is_object()) return fail(ErrorKind::malformed, "IMDS's answer is no JSON object");
  const json::object& answer = value.get_object();
  if (TRY(json_string(answer, "encoding", "IMDS's answer")) != "pkcs7") {
    return fail(ErrorKind::malformed, "the attested document is not in PKCS#7");
  }
  const std::string_view signature = TRY(json_string(answer, "signature", "IMDS's answer"));
  std::vector<uint8_t> der = TRY(to_der(as_bytes(signature)));
  TRY(crypto::open_signed_data(der));
  return der;
}

std::string imds_nonce_of(Bytes tpm_quote) {
  crypto::Sha256 hash;
  hash.update(as_bytes("sotto-imds-v1"));
  hash.update(tpm_quote);
  uint64_t number = 0;
  const crypto::Sha256Digest digest = hash.finish();
  for (size_t i = 0; i < sizeof(number); ++i) number = number << 8 | digest[i];
  return fmt::format("{:010}", number % 10'000'000'000);
}

Verified<Claims> verify_imds(Bytes document, const ImdsOptions& options,
                             const Collateral& collateral, const Roots& roots, int64_t time) {
  RuleList rules;
  Claims claims;
  claims.kind = EvidenceKind::azure_imds_document;
  claims.platform = "azure-instance";
  claims.verified_at = time;
  const std::vector<uint8_t> der = TRY(lift("document", to_der(document)));
  const auto data = TRY(rules.check("imds-signature", "a signature by the certificate inside",
                                    lift("document", crypto::open_signed_data(der))));
  const std::string name = data.signer.subject_common_name();
  TRY(rules.require("imds-signer", is_azure(name), Reason::identity_mismatch,
                    fmt::format("{} or a name under it, or another cloud's", kSigners[0]), name));
  TRY(check_chain(data, collateral, roots, rules, claims));
  const Document parsed = TRY(rules.check("imds-document", "an instance's identity and its times",
                                          lift("document", parse_document(data.content))));
  if (options.nonce) {
    TRY(rules.require("imds-nonce", parsed.nonce == *options.nonce, Reason::binding_mismatch,
                      *options.nonce, parsed.nonce));
  }
  TRY(check_lifetime(parsed, rules, claims));
  claims.values["nonce"] = {parsed.nonce.begin(), parsed.nonce.end()};
  claims.notes["vm_id"] = parsed.vm_id;
  claims.notes["subscription_id"] = parsed.subscription_id;
  claims.notes["sku"] = parsed.sku;
  claims.rules = rules.rules();
  return claims;
}

}  // namespace sotto::attest::azure
