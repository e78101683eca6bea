// Verification of NVIDIA GPUs' and NVSwitches' measurement reports, down to NVIDIA's roots.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"
#include "base/bytes.h"

namespace sotto::attest::nvidia {

// Names of collateral.
inline constexpr std::string_view kDeviceChain = "cert_chain.pem";  // the device's, the leaf first
inline constexpr std::string_view kDriverRim = "driver_rim.xml";    // GPUs only
inline constexpr std::string_view kVbiosRim = "vbios_rim.xml";
// Optional: certificates that NVIDIA has revoked, of its devices' CAs and of its manifests' signers;
// further ones in "nvidia_crl_2.der", …. Every CRL that is given is checked and used.
inline constexpr std::string_view kCrlPrefix = "nvidia_crl";
// Optional: issuers' answers of the day, DER, about certificate N of the device's chain, 0 the device's own:
// "nvidia_ocsp_1.der". Every answer that is given is checked and used.
inline constexpr std::string_view kOcspPrefix = "nvidia_ocsp_";

struct DeviceOptions {
  // What the asker sent, kSpdmNonceBytes of it. Empty: the report's own nonce is only a claim.
  std::vector<uint8_t> nonce = {};
  // Without manifests: an error, or rules that are marked as skipped, which never ends in "verified".
  bool rims_required = true;
};

// A GPU's report; `wrong_kind` for a switch's. Rules, in this order: report-format,
// revocation-lists, device-certificates, report-signature, device-chain, device-ocsp (with an answer), device-kind, firmware-id,
// nonce (with one), report-content, driver-rim, driver-rim-version, driver-rim-product, the same for vbios-rim, rim-indices, measurements. Both manifests must match the
// versions that the report states, and every measurement that one of them calls active must have one
// of the values it allows; that of NVDEC0 counts only where the engine is on.
Verified<Claims> verify_gpu_report(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                   int64_t time, const DeviceOptions& options = {});

// A switch's report, which has no driver.
Verified<Claims> verify_switch_report(Bytes evidence, const Collateral& collateral,
                                      const Roots& roots, int64_t time,
                                      const DeviceOptions& options = {});

// Under which of the names above a manifest belongs: kVbiosRim by its version's form, else kDriverRim.
// Nothing else in the file tells; in particular not the service's name for it. `malformed` for what is
// no manifest. Its signature is checked where it is used.
Result<std::string_view> rim_collateral_name(Bytes xml);

// Names under which NVIDIA's service has the manifests of a report: "NV_GPU_DRIVER_GH100_535.86.09",
// "NV_GPU_VBIOS_1010_0200_882_96005E0001". The report need not be verified; what is fetched by these
// names is checked again. `malformed` when the report does not say what the name is made of.
struct RimNames {
  std::string driver;  // empty for a switch
  std::string vbios;
};
Result<RimNames> rim_names(Bytes report, const crypto::Certificate& leaf);

}  // namespace sotto::attest::nvidia
