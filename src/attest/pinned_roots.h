// The vendors' root certificates as PEM text; their fingerprints stand in docs/roots.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sotto::attest {

extern const std::string_view kIntelSgxRoot;
extern const std::string_view kIntelTrustAuthorityRoot;
extern const std::string_view kAmdRoots;          // ARK of Milan, Genoa, Turin
extern const std::string_view kAmdIntermediates;  // ASK and ASVK of each
extern const std::string_view kAwsNitroRoot;
extern const std::string_view kNvidiaDeviceRoot;
extern const std::string_view kNvidiaRimRoot;
extern const std::string_view kAzureVtpmRoots;
extern const std::string_view kAzureVtpmIntermediates;
extern const std::string_view kGoogleVtpmRoots;
extern const std::string_view kGoogleVtpmIntermediates;
extern const std::string_view kGoogleConfidentialSpaceRoot;
extern const std::string_view kMicrosoftTlsRoots;
extern const std::string_view kSimulatedRoot;

}  // namespace sotto::attest
