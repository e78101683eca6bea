// Where AMD's key service has what a report's verification needs [AMD-KDS §4].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "attest/snp/report.h"

namespace sotto::attest::snp {

inline constexpr std::string_view kKeyService = "https://kdsintf.amd.com";

// The VCEK's certificate, DER. `unsupported` for a VLEK, whose provider alone has it, and for a report
// whose host hides the chip. The product is the report's; for reports without one it has to be tried.
Result<std::string> key_certificate_url(const ReportUnverified& report, Product product,
                                        std::string_view service = kKeyService);
// ASK or ASVK, and ARK, PEM.
std::string certificate_chain_url(SigningKey key, Product product,
                                  std::string_view service = kKeyService);
// The ARK's, DER.
std::string revocation_list_url(SigningKey key, Product product,
                                std::string_view service = kKeyService);

}  // namespace sotto::attest::snp
