// Making the synthetic instance documents of testdata/attest/azure-imds-document/.
// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "attest/azure/cases_for_testing.h"
#include "attest/azure/imds.h"
#include "crypto/signed_data_for_testing.h"

namespace sotto::attest::azure {
namespace {

constexpr int64_t kTime = ImdsSignerForTesting::kTime;
constexpr std::string_view kSigner = "eastus.metadata.azure.com";
constexpr std::string_view kCreated = "04/15/22 05:00:00 -0000";
constexpr std::string_view kExpires = "04/15/22 11:00:00 -0000";

std::string document(std::string_view nonce = ImdsSignerForTesting::kNonce,
                     std::string_view created = kCreated, std::string_view expires = kExpires) {
  return fmt::format(
      "{{\"nonce\":\"{}\",\"vmId\":\"v\",\"subscriptionId\":\"s\",\"sku\":\"k\",\"timeStamp\":{{"
      "\"createdOn\":\"{}\",\"expiresOn\":\"{}\"}}}}",
      nonce, created, expires);
}

crypto::CertificateSpec named(std::string name, bool is_ca) {
  return {.common_name = std::move(name),
          .not_before = kTime - 20'000,
          .not_after = kTime + 20'000,
          .is_ca = is_ca};
}

}  // namespace

ImdsSignerForTesting::ImdsSignerForTesting()
    : root_key_(crypto::KeyType::ec_p256),
      issuer_key_(crypto::KeyType::ec_p256),
      key_(crypto::KeyType::rsa),
      root_(crypto::issue_certificate(named("Test web root, protects nothing", true),
                                      root_key_.public_key(), nullptr, root_key_)),
      issuer_(crypto::issue_certificate(named("Test TLS issuer", true), issuer_key_.public_key(),
                                        &root_, root_key_)) {}

std::vector<uint8_t> ImdsSignerForTesting::sign(const std::string& json, const std::string& name,
                                                bool with_issuer,
                                                crypto::HashAlgorithm hash) const {
  const crypto::Certificate signer =
      crypto::issue_certificate(named(name, false), key_.public_key(), &issuer_, issuer_key_);
  std::vector<crypto::Certificate> others;
  if (with_issuer) others.push_back(issuer_);
  return crypto::sign_data_for_testing(as_bytes(json), signer, key_, others, hash);
}

std::vector<CaseForTesting> make_imds_cases_for_testing(const ImdsSignerForTesting& signer) {
  std::vector<CaseForTesting> cases;
  const std::string name(kSigner);
  const auto add = [&](const char* what, const char* verdict, const char* rule,
                       std::vector<uint8_t> evidence, int64_t time = kTime) {
    cases.push_back({what, time, verdict, rule, std::move(evidence), {}});
  };
  const std::vector<uint8_t> good = signer.sign(document(), name);
  add("good", "verified", "-", good);
  add("good-other-cloud", "verified", "-", signer.sign(document(), "metadata.azure.us"));
  add("good-issuer-in-collateral", "verified", "-", signer.sign(document(), name, false));
  const std::string issuer = crypto::pem_of({signer.issuer()});
  const auto added =
      cases.back().collateral.add(std::string(kImdsIntermediates), {issuer.begin(), issuer.end()});
  if (!added) cases.clear();

  const auto spoilt = [&](const std::function<void(std::vector<uint8_t>&)>& spoil) {
    std::vector<uint8_t> bytes = good;
    spoil(bytes);
    return bytes;
  };
  add("trailing", "malformed", "imds-signature", spoilt([](auto& it) { it.push_back(0); }));
  add("short", "malformed", "imds-signature", spoilt([](auto& it) { it.pop_back(); }));
  add("signature-changed", "bad-signature", "imds-signature",
      spoilt([](auto& it) { it.back() ^= 1; }));
  add("over-sha1", "unsupported", "imds-signature",
      signer.sign(document(), name, true, crypto::HashAlgorithm::sha1));
  add("signer-of-another-name", "identity-mismatch", "imds-signer",
      signer.sign(document(), "evilmetadata.azure.com"));
  add("without-issuer", "untrusted-root", "imds-chain", signer.sign(document(), name, false));
  const ImdsSignerForTesting stranger;
  add("of-a-stranger", "untrusted-root", "imds-chain", stranger.sign(document(), name));
  add("certificates-expired", "expired", "imds-chain", good, kTime + 30'000);
  add("no-identity", "malformed", "imds-document", signer.sign("{}", name));
  add("other-nonce", "binding-mismatch", "imds-nonce", signer.sign(document("other"), name));
  add("expired", "expired", "imds-lifetime",
      signer.sign(document(ImdsSignerForTesting::kNonce, kCreated, "04/15/22 05:10:00 -0000"),
                  name));
  add("of-tomorrow", "not-yet-valid", "imds-lifetime",
      signer.sign(document(ImdsSignerForTesting::kNonce, "04/15/22 06:00:00 -0000"), name));
  return cases;
}

}  // namespace sotto::attest::azure
