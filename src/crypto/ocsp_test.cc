// An issuer's answers about its certificates, and everybody else's.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/ocsp.h"

#include <gtest/gtest.h>

namespace sotto::crypto {
namespace {

constexpr int64_t kTime = 1'750'000'000;
constexpr int64_t kDay = 86400;

CertificateSpec spec(const std::string& name, bool is_ca) {
  CertificateSpec what;
  what.common_name = name;
  what.serial = name.size() + name.front();
  what.not_before = kTime - 100 * kDay;
  what.not_after = kTime + 100 * kDay;
  what.is_ca = is_ca;
  if (is_ca) what.key_usage = kUsageCertSign | kUsageCrlSign;
  return what;
}

struct Authority {
  KeyPair root_key{KeyType::ec_p384};
  KeyPair ca_key{KeyType::ec_p384};
  KeyPair leaf_key{KeyType::ec_p384};
  Certificate root =
      issue_certificate(spec("root", true), root_key.public_key(), nullptr, root_key);
  Certificate ca = issue_certificate(spec("authority", true), ca_key.public_key(), &root, root_key);
  Certificate leaf = issue_certificate(spec("leaf", false), ca_key.public_key(), &ca, ca_key);
  Certificate other = issue_certificate(spec("another", false), ca_key.public_key(), &ca, ca_key);

  Result<OcspAnswer> read(Bytes response, int64_t time = kTime) const {
    return read_ocsp(response, leaf, ca, {root}, time);
  }
};

TEST(Ocsp, reads_its_issuers_answers) {
  const Authority authority;
  for (const bool revoked : {false, true}) {
    const auto response =
        make_ocsp_for_testing(authority.leaf, authority.ca, authority.ca, authority.ca_key, revoked,
                              kTime - kDay, kTime + kDay);
    const auto answer = authority.read(response);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->revoked, revoked);
    EXPECT_EQ(answer->this_update, kTime - kDay);
    EXPECT_EQ(answer->next_update, kTime + kDay);
    const auto unverified = read_ocsp_unverified(response, authority.leaf, authority.ca);
    ASSERT_TRUE(unverified);
    EXPECT_EQ(unverified->next_update, kTime + kDay);
    EXPECT_FALSE(read_ocsp_unverified(response, authority.other, authority.ca));
    EXPECT_FALSE(read_ocsp_unverified(as_bytes("<html>"), authority.leaf, authority.ca));
    EXPECT_FALSE(authority.read(response, kTime + 200 * kDay));  // the issuer's own time is over
  }
  EXPECT_GT(ocsp_request(authority.leaf, authority.ca).size(), 40u);
}

TEST(Ocsp, refuses_everybody_elses) {
  const Authority authority;
  const Authority stranger;
  const auto made_by = [&](const Certificate& about, const Certificate& issuer,
                           const Certificate& signer, const KeyPair& key) {
    return make_ocsp_for_testing(about, issuer, signer, key, false, kTime - kDay, kTime + kDay);
  };
  // About another certificate, by another authority, by a certificate that is not for this.
  EXPECT_FALSE(
      authority.read(made_by(authority.other, authority.ca, authority.ca, authority.ca_key)));
  EXPECT_FALSE(authority.read(made_by(authority.leaf, authority.ca, stranger.ca, stranger.ca_key)));
  EXPECT_FALSE(
      authority.read(made_by(authority.leaf, authority.ca, authority.other, authority.ca_key)));
  const auto good = made_by(authority.leaf, authority.ca, authority.ca, authority.ca_key);
  uint32_t accepted = 0;
  for (size_t bit = 0; bit < good.size() * 8; bit += 3) {
    std::vector<uint8_t> bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const auto answer = authority.read(bad);
    accepted += answer && (answer->revoked || answer->this_update != kTime - kDay ||
                           answer->next_update != kTime + kDay);
  }
  EXPECT_EQ(accepted, 0u);  // what is not signed (the certificates that came along) may differ
  for (size_t size = 0; size < good.size(); size += 7) {
    EXPECT_FALSE(authority.read(Bytes(good).first(size)));
  }
}

}  // namespace
}  // namespace sotto::crypto
