// Addresses of AMD's key service, for reports of each layout.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/key_service.h"

#include <gtest/gtest.h>

namespace sotto::attest::snp {
namespace {

ReportUnverified report_with(TcbBytes tcb) {
  ReportUnverified report;
  report.reported_tcb = tcb;
  for (size_t i = 0; i < 8; ++i) report.chip_id[i] = static_cast<uint8_t>(0xa0 + i);
  return report;
}

TEST(KeyService, has_a_certificate_for_each_chip_and_tcb) {
  const std::string identity = "a0a1a2a3a4a5a6a7" + std::string(112, '0');
  EXPECT_EQ(*key_certificate_url(report_with({4, 0, 0, 0, 0, 0, 24, 219}), Product::milan),
            "https://kdsintf.amd.com/vcek/v1/Milan/" + identity +
                "?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219");
  EXPECT_EQ(
      *key_certificate_url(report_with({1, 2, 3, 4, 0, 0, 0, 81}), Product::turin, "http://l"),
      "http://l/vcek/v1/Turin/a0a1a2a3a4a5a6a7"
      "?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81");
}

TEST(KeyService, has_none_for_hidden_chips_and_providers_keys) {
  ReportUnverified hidden = report_with({});
  hidden.chip_id = {};
  EXPECT_EQ(key_certificate_url(hidden, Product::genoa).error().kind, ErrorKind::unsupported);
  ReportUnverified vlek = report_with({});
  vlek.signing_key = SigningKey::vlek;
  EXPECT_EQ(key_certificate_url(vlek, Product::genoa).error().kind, ErrorKind::unsupported);
}

TEST(KeyService, has_chain_and_list_for_each_product_and_key) {
  EXPECT_EQ(certificate_chain_url(SigningKey::vlek, Product::milan),
            "https://kdsintf.amd.com/vlek/v1/Milan/cert_chain");
  EXPECT_EQ(revocation_list_url(SigningKey::vcek, Product::genoa),
            "https://kdsintf.amd.com/vcek/v1/Genoa/crl");
}

}  // namespace
}  // namespace sotto::attest::snp
