// Fetching manifests from a service that the test plays.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/rim_service.h"

#include <gtest/gtest.h>

#include "attest/nvidia/device_for_testing.h"
#include "attest/nvidia/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/text_encoding.h"

namespace sotto::attest::nvidia {
namespace {

std::vector<uint8_t> answer(std::string_view id, std::string_view rim) {
  const std::string json = R"({"id":")" + std::string(id) + R"(","rim":")" +
                           base64_of(as_bytes(rim), Base64::standard) +
                           R"(","sha256":"x","request_id":"y"})";
  return {json.begin(), json.end()};
}

TEST(RimService, brings_what_verification_needs) {
  const DeviceForTesting device;
  const DeviceForTesting::Made made = device.make();
  const std::vector<uint8_t>& pem = made.collateral.blobs().at(std::string(kDeviceChain));
  std::vector<std::string> asked;
  const HttpGet get = [&](const std::string& url, uint64_t) -> Result<std::vector<uint8_t>> {
    asked.push_back(url);
    const std::string id = url.substr(url.rfind('/') + 1);
    return answer(id, device.make_rim(id.find("DRIVER") == std::string::npos ? device.vbios_rim
                                                                             : device.driver_rim));
  };
  Collateral collateral;
  ASSERT_TRUE(collateral.add(std::string(kDeviceChain), pem));
  const crypto::Certificate leaf = crypto::parse_certificates(pem)->front();
  const auto fetched = fetch_rims(made.report, leaf, get, collateral, "https://rim.test/v1/");
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(asked, (std::vector<std::string>{
                       "https://rim.test/v1/NV_GPU_DRIVER_GH100_580.1.2",
                       "https://rim.test/v1/NV_GPU_VBIOS_1010_0200_882_96005E0001"}));
  EXPECT_EQ(
      outcome(verify_gpu_report(made.report, collateral, made.roots, DeviceForTesting::kTime)),
      "verified");
}

TEST(RimService, says_what_went_wrong) {
  DeviceForTesting device;
  const auto fetch = [&](const HttpGet& get) {
    const DeviceForTesting::Made made = device.make();
    const std::vector<uint8_t>& pem = made.collateral.blobs().at(std::string(kDeviceChain));
    Collateral collateral;
    return fetch_rims(made.report, crypto::parse_certificates(pem)->front(), get, collateral);
  };
  const HttpGet down = [](const std::string&, uint64_t) -> Result<std::vector<uint8_t>> {
    return fail(ErrorKind::unavailable, "down");
  };
  EXPECT_EQ(fetch(down).error().kind, ErrorKind::unavailable);
  const HttpGet other = [](const std::string&, uint64_t) -> Result<std::vector<uint8_t>> {
    return answer("other", "<x/>");
  };
  EXPECT_EQ(fetch(other).error().kind, ErrorKind::malformed);
  // A report that would send us elsewhere.
  device.set_opaque(OpaqueField::driver_version, text_field("../../x?y"));
  const HttpGet never = [](const std::string& url, uint64_t) -> Result<std::vector<uint8_t>> {
    ADD_FAILURE() << url;
    return std::vector<uint8_t>();
  };
  EXPECT_EQ(fetch(never).error().kind, ErrorKind::malformed);
}

TEST(RimService, refuses_answers_of_another_form) {
  for (const char* text :
       {"", "[]", "{}", R"({"id":"a"})", R"({"id":"a","rim":7})", R"({"id":"a","rim":""})",
        R"({"id":"a","rim":"*"})", R"({"id":"b","rim":"AAAA"})"}) {
    EXPECT_FALSE(parse_rim_answer(text, "a")) << text;
  }
  EXPECT_TRUE(parse_rim_answer(R"({"id":"a","rim":"AAAA"})", "a"));
}

}  // namespace
}  // namespace sotto::attest::nvidia
