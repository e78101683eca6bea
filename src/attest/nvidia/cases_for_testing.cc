// The refusals of GPUs' reports, and making the synthetic ones of testdata/attest/nvidia-gpu-report/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/cases_for_testing.h"

#include <functional>

#include "attest/nvidia/verify.h"
#include "base/check.h"

namespace sotto::attest::nvidia {
namespace {

struct Spoilt {
  const char* rule;
  const char* verdict;
  std::function<void(DeviceForTesting&)> change;
};

const Spoilt kSpoilt[] = {
    {"report-format", "malformed",
     [](DeviceForTesting& d) { d.opaque.push_back(d.opaque.front()); }},
    {"report-format", "malformed", [](DeviceForTesting& d) { d.measurements[0].resize(65); }},
    {"report-format", "malformed", [](DeviceForTesting& d) { d.measurements.clear(); }},
    {"device-chain", "expired",
     [](DeviceForTesting& d) { d.device_spec.not_after = DeviceForTesting::kTime - 1; }},
    {"device-chain", "not-yet-valid",
     [](DeviceForTesting& d) { d.ca_spec.not_before = DeviceForTesting::kTime + 1; }},
    {"device-chain", "chain-invalid", [](DeviceForTesting& d) { d.ca_spec.is_ca = false; }},
    {"device-chain", "identity-mismatch", [](DeviceForTesting& d) { d.device_spec.is_ca = true; }},
    {"device-kind", "wrong-kind",
     [](DeviceForTesting& d) { d.device_spec.common_name = "LS_10 A01 FSP"; }},
    {"device-kind", "unsupported",
     [](DeviceForTesting& d) { d.device_spec.common_name = "XY100 A01"; }},
    {"report-signature", "unsupported",
     [](DeviceForTesting& d) {
       d.report_signer = d.device_key;
       d.device_key = crypto::KeyPair(crypto::KeyType::ec_p256);
     }},
    {"report-signature", "bad-signature", [](DeviceForTesting& d) { d.report_signer = d.ca_key; }},
    {"firmware-id", "malformed", [](DeviceForTesting& d) { d.composite_extension = false; }},
    {"firmware-id", "malformed", [](DeviceForTesting& d) { d.tcb_info_extension = true; }},
    {"firmware-id", "malformed", [](DeviceForTesting& d) { d.certified_fwid.resize(32); }},
    {"firmware-id", "binding-mismatch", [](DeviceForTesting& d) { d.certified_fwid[0] ^= 1; }},
    {"report-content", "malformed",
     [](DeviceForTesting& d) { d.drop_opaque(OpaqueField::vbios_version); }},
    {"report-content", "malformed",
     [](DeviceForTesting& d) { d.set_opaque(OpaqueField::driver_version, {'a', 0, 'b'}); }},
    {"report-content", "malformed",
     [](DeviceForTesting& d) { d.set_opaque(OpaqueField::nvdec0_status, {0x54}); }},
    {"report-content", "unsupported",
     [](DeviceForTesting& d) { d.set_opaque(OpaqueField::feature_flag, {3, 0}); }},
    {"report-content", "malformed",
     [](DeviceForTesting& d) { d.set_opaque(OpaqueField::protected_pcie_status, {kStatusOn}); }},
    {"report-content", "malformed",
     [](DeviceForTesting& d) { d.set_opaque(OpaqueField::switch_pdi, {1, 2, 3}); }},
    {"report-content", "malformed",
     [](DeviceForTesting& d) { d.drop_opaque(OpaqueField::driver_version); }},
    {"driver-rim", "bad-signature", [](DeviceForTesting& d) { d.driver_rim.signer = d.ca_key; }},
    {"driver-rim", "expired",
     [](DeviceForTesting& d) { d.rim_spec.not_after = DeviceForTesting::kTime - 1; }},
    {"driver-rim", "identity-mismatch", [](DeviceForTesting& d) { d.rim_spec.is_ca = true; }},
    {"driver-rim", "identity-mismatch",
     [](DeviceForTesting& d) { d.rim_spec.key_usage = crypto::kUsageCertSign; }},
    {"driver-rim-version", "wrong-collateral",
     [](DeviceForTesting& d) { d.driver_rim.version = "580.1.3"; }},
    {"driver-rim-product", "wrong-collateral",
     [](DeviceForTesting& d) { d.driver_rim.product = "GB100"; }},
    {"driver-rim-product", "wrong-collateral",
     [](DeviceForTesting& d) { d.driver_rim.edition = "SWITCH"; }},
    {"vbios-rim-version", "wrong-collateral",
     [](DeviceForTesting& d) { d.vbios_rim.version = "96.00.5E.00.02"; }},
    {"vbios-rim-product", "wrong-collateral",
     [](DeviceForTesting& d) { d.vbios_rim.product = "LS10"; }},
    {"rim-indices", "wrong-collateral",
     [](DeviceForTesting& d) { d.vbios_rim.rows[0].active = "True"; }},
    {"measurements", "measurement-mismatch",
     [](DeviceForTesting& d) { d.measurements[1][47] ^= 1; }},
    {"measurements", "measurement-mismatch",
     [](DeviceForTesting& d) { d.measurements[3][0] ^= 1; }},
    {"measurements", "measurement-mismatch",
     [](DeviceForTesting& d) { d.measurements.resize(20); }},
    {"measurements", "measurement-mismatch",
     [](DeviceForTesting& d) { d.measurements[2].resize(32); }},
};

CaseForTesting made(std::string name, std::string verdict, std::string rule,
                    const DeviceForTesting& device) {
  DeviceForTesting::Made parts = device.make();
  return {std::move(name), DeviceForTesting::kTime, std::move(verdict),
          std::move(rule), std::move(parts.report), std::move(parts.collateral)};
}

}  // namespace

std::vector<CaseForTesting> make_cases_for_testing(const DeviceForTesting& device) {
  std::vector<CaseForTesting> cases;
  cases.push_back(made("good", "verified", "-", device));
  for (const Spoilt& spoilt : kSpoilt) {
    DeviceForTesting changed = device;
    spoilt.change(changed);
    cases.push_back(made(fmt::format("{}-{}-{:02}", spoilt.rule, spoilt.verdict, cases.size()),
                         spoilt.verdict, spoilt.rule, changed));
  }
  for (const auto& [name, rule] :
       {std::pair(kDeviceChain, "device-certificates"), std::pair(kDriverRim, "driver-rim"),
        std::pair(kVbiosRim, "vbios-rim")}) {
    CaseForTesting without =
        made(fmt::format("without-{}", rule), "missing-collateral", rule, device);
    Collateral rest;
    for (const auto& [key, bytes] : without.collateral.blobs()) {
      if (key != name) CHECK(rest.add(key, bytes));
    }
    without.collateral = rest;
    cases.push_back(std::move(without));
  }
  return cases;
}

}  // namespace sotto::attest::nvidia
