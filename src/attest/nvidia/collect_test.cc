// Collecting from a library that plays NVIDIA's, and verifying what it gave.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/collect.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "attest/nvidia/device_for_testing.h"
#include "attest/nvidia/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::nvidia {
namespace {

constexpr std::array<uint8_t, kSpdmNonceBytes> kNonce = {7, 7, 7};

class GpuCollection : public testing::Test {
 protected:
  ~GpuCollection() override { unsetenv("SOTTO_FAKE_NVML"); }
  static void fault(const char* name) { ASSERT_EQ(setenv("SOTTO_FAKE_NVML", name, 1), 0); }
};

TEST_F(GpuCollection, gives_evidence_of_each_gpu_that_verifies) {
  const auto collector = GpuCollector::open(SOTTO_FAKE_NVML_LIBRARY);
  ASSERT_TRUE(collector) << collector.error().message;
  const auto system = collector->system();
  ASSERT_TRUE(system);
  EXPECT_TRUE(system->confidential && system->production && !system->dev_tools);
  EXPECT_EQ(system->gpus, 2U);
  const auto all = collector->collect(kNonce);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 2U);
  for (const DeviceEvidence& device : *all) {
    EXPECT_EQ(device.architecture, "HOPPER");
    Collateral collateral;
    ASSERT_TRUE(collateral.add(std::string(kDeviceChain), device.chain));
    Roots roots;
    roots.replace(Vendor::nvidia_device, {crypto::parse_certificates(device.chain)->back()});
    const auto claims =
        verify_gpu_report(device.report, collateral, roots, DeviceForTesting::kTime,
                          {.nonce = {kNonce.begin(), kNonce.end()}, .rims_required = false});
    EXPECT_TRUE(claims) << claims.error().message;
  }
  EXPECT_NE(all->front().chain, all->back().chain);
}

TEST_F(GpuCollection, says_what_went_wrong) {
  const struct {
    const char* fault;
    ErrorKind kind;
    const char* says;
  } kFaults[] = {
      {"off", ErrorKind::unavailable, "confidential computing is off"},
      {"no-gpus", ErrorKind::unavailable, "0 GPUs"},
      {"state", ErrorKind::unavailable, "does not support"},
      {"chain-size", ErrorKind::malformed, "GPU 0: certificates"},
      {"report", ErrorKind::unavailable, "NVML error 999"},
      {"report-size", ErrorKind::malformed, "GPU 0: attestation report"},
      {"no-report", ErrorKind::malformed, "0 bytes"},
      {"nonce", ErrorKind::untrusted, "another nonce"},
  };
  for (const auto& row : kFaults) {
    SCOPED_TRACE(row.fault);
    fault(row.fault);
    const auto collector = GpuCollector::open(SOTTO_FAKE_NVML_LIBRARY);
    ASSERT_TRUE(collector);
    const auto all = collector->collect(kNonce);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().kind, row.kind);
    EXPECT_NE(all.error().message.find(row.says), std::string::npos) << all.error().message;
  }
  fault("dev-tools");
  EXPECT_TRUE(GpuCollector::open(SOTTO_FAKE_NVML_LIBRARY)->system()->dev_tools);
  fault("init");
  EXPECT_EQ(GpuCollector::open(SOTTO_FAKE_NVML_LIBRARY).error().kind, ErrorKind::unavailable);
}

TEST_F(GpuCollection, refuses_what_is_no_such_library) {
  EXPECT_EQ(GpuCollector::open("/nonexistent/libnvidia-ml.so.1").error().kind,
            ErrorKind::unavailable);
  const auto other = GpuCollector::open("libc.so.6");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("nvmlInit_v2"), std::string::npos);
}

}  // namespace
}  // namespace sotto::attest::nvidia
