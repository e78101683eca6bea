// SNP reports straight from /dev/sev-guest, with the host's certificates, for kernels without
// configfs-tsm [SEV-GUEST].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "attest/collect/device.h"
#include "base/bytes.h"

namespace sotto::attest::collect {

struct SevGuestReport {
  std::vector<uint8_t> report;             // 1184 bytes, unverified
  std::vector<uint8_t> certificate_table;  // empty where the host has none
};

// At the privilege level `vmpl`, which may not be more privileged than the caller's.
Result<SevGuestReport> request_sev_guest_report(Device& device,
                                                const std::array<uint8_t, 64>& report_data,
                                                uint32_t vmpl);

// What a host may put into a certificate table [GHCB §4.1.8]; DER, empty where it is missing.
struct CertificateTable {
  std::vector<uint8_t> vcek;
  std::vector<uint8_t> vlek;
  std::vector<uint8_t> ask;
  std::vector<uint8_t> ark;
  std::vector<uint8_t> crl;
};

// Unknown entries are passed over, entries that come twice or lie outside are `malformed`.
Result<CertificateTable> parse_certificate_table(Bytes table);

}  // namespace sotto::attest::collect
