// The built-in roots, parsed, and a caller's instead of them.
// SPDX-License-Identifier: Apache-2.0
#include "attest/roots.h"

#include "attest/pinned_roots.h"
#include "base/check.h"

namespace sotto::attest {
namespace {

std::vector<crypto::Certificate> parse_pinned(std::string_view pem) {
  if (pem.empty()) return {};
  Result<std::vector<crypto::Certificate>> parsed = crypto::parse_pem_chain(pem);
  CHECK(parsed);  // they are part of the program
  return std::move(*parsed);
}

}  // namespace

std::string_view to_string(Vendor vendor) {
  switch (vendor) {
    case Vendor::intel_sgx:
      return "Intel SGX and TDX";
    case Vendor::intel_trust_authority:
      return "Intel Trust Authority";
    case Vendor::amd:
      return "AMD SEV";
    case Vendor::aws_nitro:
      return "AWS Nitro";
    case Vendor::nvidia_device:
      return "NVIDIA devices";
    case Vendor::nvidia_rim:
      return "NVIDIA RIMs";
    case Vendor::azure_vtpm:
      return "Azure virtual TPMs";
    case Vendor::google_vtpm:
      return "Google virtual TPMs";
    case Vendor::google_confidential_space:
      return "Google Confidential Space";
    case Vendor::google_firmware:
      return "Google firmware endorsements";
    case Vendor::microsoft_tls:
      return "Microsoft TLS";
    case Vendor::simulated:
      return "simulated TEE";
  }
  return "?";
}

Roots Roots::pinned() {
  const struct {
    Vendor vendor;
    std::string_view roots_pem;
    std::string_view intermediates_pem;
  } built_in[] = {
      {Vendor::intel_sgx, kIntelSgxRoot, ""},
      {Vendor::intel_trust_authority, kIntelTrustAuthorityRoot, ""},
      {Vendor::amd, kAmdRoots, kAmdIntermediates},
      {Vendor::aws_nitro, kAwsNitroRoot, ""},
      {Vendor::nvidia_device, kNvidiaDeviceRoot, ""},
      {Vendor::nvidia_rim, kNvidiaRimRoot, ""},
      {Vendor::azure_vtpm, kAzureVtpmRoots, kAzureVtpmIntermediates},
      {Vendor::google_vtpm, kGoogleVtpmRoots, kGoogleVtpmIntermediates},
      {Vendor::google_confidential_space, kGoogleConfidentialSpaceRoot, ""},
      {Vendor::microsoft_tls, kMicrosoftTlsRoots, ""},
      {Vendor::simulated, kSimulatedRoot, ""},
  };
  Roots roots;
  for (const auto& [vendor, roots_pem, intermediates_pem] : built_in) {
    roots.anchors_[vendor] = {parse_pinned(roots_pem), parse_pinned(intermediates_pem), false};
  }
  return roots;
}

const Anchors& Roots::of(Vendor vendor) const {
  static const Anchors kNone;
  const auto found = anchors_.find(vendor);
  return found == anchors_.end() ? kNone : found->second;
}

void Roots::replace(Vendor vendor, std::vector<crypto::Certificate> roots,
                    std::vector<crypto::Certificate> intermediates) {
  anchors_[vendor] = {std::move(roots), std::move(intermediates), true};
}

}  // namespace sotto::attest
