// NVIDIA's recorded evidence: each report, chain and manifest gives the verdict that is known for it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "attest/nvidia/evidence_list.h"
#include "attest/nvidia/rim.h"
#include "attest/nvidia/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest::nvidia {
namespace {

constexpr const char* kSomeTime = "2026-06-30T00:00:00Z";

int64_t at(const char* time) {
  return parse_utc_time(time).value();
}

DeviceOptions without_rims(const char* nonce = "") {
  return {.nonce = bytes_of_hex(nonce).value(), .rims_required = false};
}

Collateral chain_of(const std::string& path) {
  Collateral collateral;
  EXPECT_TRUE(collateral.add(std::string(kDeviceChain), read_vector(path)));
  return collateral;
}

std::string rim_outcome(Bytes xml, const char* time, const Roots& roots) {
  const Verified<Rim> rim = verify_rim(xml, roots.of(Vendor::nvidia_rim), {}, at(time));
  if (rim) return "verified";
  return "!" + std::string(to_string(rim.error().reason));
}

struct RecordedReport {
  const char* folder;
  const char* nonce;
  const char* driver;  // empty for switches
  const char* vbios;
  const char* mode;  // empty for switches
  const char* outcome;
};

const RecordedReport kReports[] = {
    {"NVIDIA_attestation-sdk/hopper",
     "27a328247bf7935c993341cf587be6f05986ccce4fe7ba2c54100bd616a58f66", "535.86.09",
     "96.00.5E.00.01", "single", "verified"},
    {"NVIDIA_attestation-sdk/blackwell_gb100",
     "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb", "575.32", "97.00.88.00.0F",
     "single", "verified"},
    {"NVIDIA_attestation-sdk/hopper_expired",
     "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb", "570.124.03",
     "96.00.5E.00.04", "single", "verified"},
    {"NVIDIA_attestation-sdk/hopper_580",
     "5bb22e377702d4e1e8215a903ba094826b9ac7f731dee1fe8102958bf2840aca", "580.159.03",
     "96.00.74.00.20", "single", "verified"},
    {"NVIDIA_attestation-sdk/hopper_invalid_signature", "", "", "", "", "!bad-signature"},
    {"NVIDIA_attestation-sdk/nvswitch_ls10",
     "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb", "", "96.10.55.00.01", "",
     "verified"},
    {"NVIDIA_attestation-sdk/nvswitch_invalid_signature", "", "", "", "", "!bad-signature"},
    {"confidential-containers_trustee/hopper_550",
     "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb", "550.90.07",
     "96.00.9F.00.01", "single", "verified"},
    {"confidential-containers_trustee/hopper_coco",
     "87d8e24ab336adafe228d49e83d745f6dba4ae505372b6a5704820856b343fec", "580.95.05",
     "96.00.74.00.1A", "single", "verified"},
    {"confidential-containers_trustee/blackwell_gb20x",
     "4cff7f5380ead8fad8ec2c531c110aca4302a88f603792801a8ca29ee151af2e", "595.58.03",
     "98.02.81.00.01", "single", "verified"},
};

TEST(NvidiaVectors, every_report_gives_its_verdict) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  int passed = 0;
  for (const RecordedReport& row : kReports) {
    SCOPED_TRACE(row.folder);
    const std::string folder = "nvidia/" + std::string(row.folder);
    const std::vector<uint8_t> report = read_vector(folder + "/report.bin");
    const Collateral collateral = chain_of(folder + "/cert_chain.pem");
    const bool is_switch = folder.find("nvswitch") != std::string::npos;
    const auto verify = is_switch ? verify_switch_report : verify_gpu_report;
    const Verified<Claims> result =
        verify(report, collateral, roots, at(kSomeTime), without_rims(row.nonce));
    EXPECT_EQ(outcome(result), row.outcome) << (result ? "" : result.error().message);
    if (!result || result->rules.empty()) {
      passed += outcome(result) == row.outcome;
      continue;
    }
    EXPECT_EQ(hex_of(result->report_data), row.nonce);
    EXPECT_EQ(result->notes.at("vbios_version"), row.vbios);
    EXPECT_FALSE(result->flags.at("measurements_match"));
    if (!is_switch) {
      EXPECT_EQ(result->notes.at("driver_version"), row.driver);
      EXPECT_EQ(result->notes.at("mode"), row.mode);
    }
    // With manifests required, absence is an error; as the other kind, it is that.
    EXPECT_EQ(outcome(verify(report, collateral, roots, at(kSomeTime), {})), "!missing-collateral");
    const auto other = is_switch ? verify_gpu_report : verify_switch_report;
    EXPECT_EQ(outcome(other(report, collateral, roots, at(kSomeTime), without_rims())),
              "!wrong-kind");
    EXPECT_EQ(outcome(verify(report, collateral, roots, at(kSomeTime),
                             without_rims(std::string(64, '0').c_str()))),
              "!binding-mismatch");
    ++passed;
  }
  std::printf("nvidia reports: %zu vectors, %d passed\n", std::size(kReports), passed);
}

TEST(NvidiaVectors, the_bundle_of_one_minute_and_its_tampered_copy) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const std::string folder = "bundles/tinfoil_tdx_h100_20260629/";
  const Collateral collateral = chain_of(folder + "gpu0_chain.pem");
  const auto good = verify_gpu_report(read_vector(folder + "gpu0_report.bin"), collateral, roots,
                                      at("2026-06-29T02:13:04Z"), without_rims());
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->notes.at("driver_version"), "595.71.05");
  EXPECT_EQ(
      outcome(verify_gpu_report(read_vector(folder + "bad/gpu0_nonce_flipped.bin"), collateral,
                                roots, at("2026-06-29T02:13:04Z"), without_rims())),
      "!bad-signature");
}

TEST(NvidiaVectors, altered_chains_are_refused) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const std::string folder = "nvidia/confidential-containers_trustee/";
  const struct {
    const char* report;
    const char* chain;
    const char* outcome;
  } kRows[] = {
      // The root alone: its key did not sign the report.
      {"hopper_550/report.bin", "hopper_cert_chain_case2.txt", "!bad-signature"},
      {"hopper_550/report.bin", "hopper_cert_chain_case3.txt", "!untrusted-root"},  // one missing
      {"hopper_550/report.bin", "hopper_cert_chain_case4.txt", "!bad-signature"},   // no leaf
      {"blackwell_gb20x/report.bin", "blackwell_gb20x/blackwell_cert_chain_case3.pem",
       "!untrusted-root"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.chain);
    const auto result =
        verify_gpu_report(read_vector(folder + row.report), chain_of(folder + row.chain), roots,
                          at(kSomeTime), without_rims());
    EXPECT_EQ(outcome(result), row.outcome) << (result ? "" : result.error().message);
  }
}

TEST(NvidiaVectors, lists_of_evidence_are_read_and_each_device_verified) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const struct {
    const char* path;
    size_t devices;
    const char* mode;
  } kLists[] = {
      {"nvidia/NVIDIA_attestation-sdk/serialized/hopper_evidence.json", 1, "protected-pcie"},
      // Its certificate is on hold, which only a CRL or NVIDIA's service can say.
      {"nvidia/NVIDIA_attestation-sdk/serialized/hopper_evidence_cert_hold.json", 1, "single"},
      {"nvidia/NVIDIA_attestation-sdk/serialized/multi_gpu_hopper.json", 4, "protected-pcie"},
      {"nvidia/NVIDIA_attestation-sdk/serialized/multi_switch_ls10.json", 4, ""},
      {"nvidia/NVIDIA_attestation-sdk/serialized/switch_evidence_ls10.json", 1, ""},
      {"nvidia/NVIDIA_nvtrust/ppcie_gpu_evidence.json", 8, "protected-pcie"},
      {"nvidia/NVIDIA_nvtrust/ppcie_switch_evidence.json", 4, ""},
      {"nvidia/nras/tinfoil_h100_20260629/request.json", 1, "single"},
      {"nvidia/nras/near_8gpu_20260629/request.json", 8, ""},
      {"nvidia/nras/nanogpt_h200_20260610/request.json", 1, "single"},
      {"nvidia/nras/nvidia_eat_hopper.json", 8, ""},
  };
  for (const auto& row : kLists) {
    SCOPED_TRACE(row.path);
    const std::vector<uint8_t> json = read_vector(row.path);
    const auto devices =
        parse_evidence_list({reinterpret_cast<const char*>(json.data()), json.size()});
    ASSERT_TRUE(devices) << devices.error().message;
    EXPECT_EQ(devices->size(), row.devices);
    for (const DeviceEvidence& device : *devices) {
      Collateral collateral;
      ASSERT_TRUE(collateral.add(std::string(kDeviceChain), device.chain));
      const auto verify = device.architecture == "LS10" ? verify_switch_report : verify_gpu_report;
      const auto result = verify(device.report, collateral, roots, at(kSomeTime),
                                 without_rims(device.nonce.value_or("").c_str()));
      EXPECT_EQ(outcome(result), "verified") << (result ? "" : result.error().message);
      if (result && *row.mode != '\0') {
        EXPECT_EQ(result->notes.at("mode"), row.mode);
      }
    }
  }
}

TEST(NvidiaVectors, every_manifest_gives_its_verdict) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const struct {
    const char* file;
    const char* time;
    const char* outcome;
  } kRims[] = {
      {"1010_0200_882_96005E0001_PROD.swidtag", "2024-06-01T00:00:00Z", "verified"},
      {"1010_0200_882_96005E0001_PROD.swidtag", "2025-06-23T00:00:00Z", "!expired"},
      {"1010_0200_882_96005E0001_test_no_gpu.swidtag", "2024-06-01T00:00:00Z", "verified"},
      {"1010_0205_862_96005E0004_PROD.swidtag", "2024-06-01T00:00:00Z", "verified"},
      {"g520_0202_885_9600740018_PROD.swidtag", "2024-06-01T00:00:00Z", "verified"},
      {"1010_0200_882_960074001A_PROD.swidtag", "2024-06-01T00:00:00Z", "verified"},
      {"1010_0205_862_9600740020_PROD.swidtag", "2024-06-01T00:00:00Z", "verified"},
      {"Driver_RIM_545.00_test_no_gpu.swidtag", "2023-07-01T00:00:00Z", "verified"},
      {"Driver_RIM_545.00_test_no_gpu.swidtag", "2025-06-26T12:00:00Z", "!expired"},
      {"NV_GPU_DRIVER_GH100_550.144.03.xml", "2025-03-01T00:00:00Z", "verified"},
      {"NV_GPU_DRIVER_GH100_550.144.03.xml", "2026-12-30T00:00:00Z", "verified"},
      {"incorrect_signature_driver_rim.xml", "2025-03-01T00:00:00Z", "!bad-signature"},
      {"incorrect_cert_chain_driver_rim.xml", "2025-03-01T00:00:00Z", "!untrusted-root"},
      {"switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml", "2026-06-01T00:00:00Z",
       "verified"},
      {"switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml", "2026-05-01T00:00:00Z",
       "!not-yet-valid"},
      {"NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml", "2025-06-01T00:00:00Z",
       "!bad-signature"},
      {"NV_GPU_DRIVER_GH100_570.124.03_expired.xml", "2025-06-01T00:00:00Z", "!expired"},
      {"NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml", "2024-06-01T00:00:00Z",
       "verified"},
      {"NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml", "2026-05-01T00:00:00Z",
       "!bad-signature"},
  };
  int passed = 0;
  for (const auto& row : kRims) {
    const std::string result =
        rim_outcome(read_vector("nvidia/rim/" + std::string(row.file)), row.time, roots);
    EXPECT_EQ(result, row.outcome) << row.file;
    passed += result == row.outcome;
  }
  std::printf("nvidia manifests: %zu rows, %d passed\n", std::size(kRims), passed);

  const std::vector<uint8_t> base64 = read_vector("nvidia/rim/trustee_test-rim.b64");
  const auto xml = bytes_of_base64({reinterpret_cast<const char*>(base64.data()), base64.size()},
                                   Base64::standard);
  ASSERT_TRUE(xml);
  EXPECT_EQ(rim_outcome(*xml, "2024-06-01T00:00:00Z", roots), "verified");

  Roots wrong = Roots::pinned();
  wrong.replace(Vendor::nvidia_rim,
                *crypto::parse_certificates(read_vector("nvidia/roots/incorrect_rim_root.crt")));
  EXPECT_EQ(rim_outcome(read_vector("nvidia/rim/1010_0200_882_96005E0001_PROD.swidtag"),
                        "2024-06-01T00:00:00Z", wrong),
            "!untrusted-root");
}

// The one device whose manifests are all on file.
TEST(NvidiaVectors, a_switch_is_verified_in_full) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const std::string folder = "nvidia/NVIDIA_attestation-sdk/nvswitch_ls10/";
  Collateral collateral = chain_of(folder + "cert_chain.pem");
  ASSERT_TRUE(collateral.add(
      std::string(kVbiosRim),
      read_vector("nvidia/rim/switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml")));
  const auto result = verify_switch_report(read_vector(folder + "report.bin"), collateral, roots,
                                           at("2026-06-01T00:00:00Z"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->flags.at("measurements_match"));
  EXPECT_EQ(utc_time_text(*result->valid_until), "2027-11-02T23:59:59Z");
  for (const Rule& rule : result->rules) EXPECT_EQ(rule.verdict, RuleVerdict::passed) << rule.name;
}

TEST(NvidiaVectors, manifests_are_compared_with_reports) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const struct {
    const char* folder;
    const char* vbios_rim;
    const char* driver_rim;
    const char* time;
    const char* outcome;
  } kRows[] = {
      {"hopper", "1010_0200_882_96005E0001_PROD.swidtag", nullptr, "2024-06-01T00:00:00Z",
       "verified"},
      {"hopper", "NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml", nullptr,
       "2024-06-01T00:00:00Z", "!measurement-mismatch"},
      {"hopper", "1010_0200_882_96005E0001_PROD.swidtag",
       "NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml", "2025-06-01T00:00:00Z",
       "!bad-signature"},
      {"hopper", "1010_0205_862_96005E0004_PROD.swidtag", nullptr, "2024-06-01T00:00:00Z",
       "!wrong-collateral"},
      {"hopper", "1010_0200_882_96005E0001_PROD.swidtag", "NV_GPU_DRIVER_GH100_550.144.03.xml",
       "2025-03-01T00:00:00Z", "!wrong-collateral"},
      {"hopper_expired", "1010_0205_862_96005E0004_PROD.swidtag",
       "NV_GPU_DRIVER_GH100_570.124.03_expired.xml", "2025-06-01T00:00:00Z", "!expired"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(std::string(row.folder) + " " + row.vbios_rim);
    const std::string folder = "nvidia/NVIDIA_attestation-sdk/" + std::string(row.folder);
    Collateral collateral = chain_of(folder + "/cert_chain.pem");
    ASSERT_TRUE(collateral.add(std::string(kVbiosRim),
                               read_vector("nvidia/rim/" + std::string(row.vbios_rim))));
    if (row.driver_rim != nullptr) {
      ASSERT_TRUE(collateral.add(std::string(kDriverRim),
                                 read_vector("nvidia/rim/" + std::string(row.driver_rim))));
    }
    const auto result = verify_gpu_report(read_vector(folder + "/report.bin"), collateral, roots,
                                          at(row.time), without_rims());
    EXPECT_EQ(outcome(result), row.outcome) << (result ? "" : result.error().message);
  }
}

TEST(NvidiaVectors, names_of_manifests_are_those_of_the_service) {
  SKIP_WITHOUT_VECTORS();
  const std::string folder = "nvidia/NVIDIA_attestation-sdk/";
  const auto names = [&](const std::string& name) {
    const auto chain = crypto::parse_certificates(read_vector(folder + name + "/cert_chain.pem"));
    return rim_names(read_vector(folder + name + "/report.bin"), chain->front()).value();
  };
  EXPECT_EQ(names("hopper").driver, "NV_GPU_DRIVER_GH100_535.86.09");
  EXPECT_EQ(names("hopper").vbios, "NV_GPU_VBIOS_1010_0200_882_96005E0001");
  EXPECT_EQ(names("nvswitch_ls10").driver, "");
  EXPECT_EQ(names("nvswitch_ls10").vbios, "NV_SWITCH_BIOS_5612_0002_890_9610550001");
}

}  // namespace
}  // namespace sotto::attest::nvidia
