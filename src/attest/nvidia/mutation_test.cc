// No bit of a device's report, its chain or a manifest can be flipped unnoticed.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>

#include "attest/nvidia/rim.h"
#include "attest/nvidia/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/utc_time.h"

namespace sotto::attest::nvidia {
namespace {

constexpr const char* kSwitch = "nvidia/NVIDIA_attestation-sdk/nvswitch_ls10/";
constexpr const char* kGpu = "nvidia/NVIDIA_attestation-sdk/hopper/";
constexpr const char* kSwitchRim =
    "nvidia/rim/switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml";

int64_t time_of_test() {
  return parse_utc_time("2026-06-01T00:00:00Z").value();
}

void report_count(const char* what, uint64_t tried, size_t bytes) {
  std::printf("%s: %llu flips of %zu bits, all refused\n", what,
              static_cast<unsigned long long>(tried), bytes * 8);
}

TEST(NvidiaMutation, every_flipped_bit_of_a_report_is_refused) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const DeviceOptions options{.nonce = {}, .rims_required = false};
  const struct {
    const char* name;
    const char* folder;
    decltype(&verify_gpu_report) verify;
    uint64_t flips;
  } kKinds[] = {{"switch report", kSwitch, verify_switch_report, 20'000},
                {"GPU report", kGpu, verify_gpu_report, 2'000}};
  for (const auto& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    Collateral collateral;
    ASSERT_TRUE(collateral.add(std::string(kDeviceChain),
                               read_vector(std::string(kind.folder) + "cert_chain.pem")));
    const std::vector<uint8_t> report = read_vector(std::string(kind.folder) + "report.bin");
    const auto verify = [&](Bytes bytes) {
      return kind.verify(bytes, collateral, roots, time_of_test(), options);
    };
    ASSERT_TRUE(verify(report));
    report_count(kind.name, expect_every_bit_flip_refused(report, verify, kind.flips),
                 report.size());
  }
}

TEST(NvidiaMutation, every_flipped_bit_of_a_chain_is_refused) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const std::vector<uint8_t> report = read_vector(std::string(kSwitch) + "report.bin");
  const std::vector<uint8_t> chain = read_vector(std::string(kSwitch) + "cert_chain.pem");
  const auto verify = [&](Bytes pem) {
    Collateral collateral;
    EXPECT_TRUE(collateral.add(std::string(kDeviceChain), {pem.begin(), pem.end()}));
    return verify_switch_report(report, collateral, roots, time_of_test(),
                                {.nonce = {}, .rims_required = false});
  };
  ASSERT_TRUE(verify(chain));
  report_count("device chain", expect_every_bit_flip_refused(chain, verify, 2'000), chain.size());
}

TEST(NvidiaMutation, every_flipped_bit_of_a_manifest_is_refused) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const std::vector<uint8_t> xml = read_vector(kSwitchRim);
  const auto verify = [&](Bytes bytes) {
    return verify_rim(bytes, roots.of(Vendor::nvidia_rim), {}, time_of_test());
  };
  ASSERT_TRUE(verify(xml));
  report_count("manifest", expect_every_bit_flip_refused(xml, verify, 2'000), xml.size());
}

}  // namespace
}  // namespace sotto::attest::nvidia
