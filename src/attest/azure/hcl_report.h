// The report of Azure's paravisor (HCL): a hardware report, and the runtime data that it vouches for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/tpm/public_key.h"
#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::azure {

inline constexpr size_t kHclReportBytesMax = 16 << 10;
inline constexpr size_t kHardwareReportBytes = 1184;
inline constexpr size_t kTdReportBytes = 1024;
inline constexpr size_t kUserDataBytes = 64;

enum class HardwareReport : uint32_t { snp = 2, tdx = 4 };

// What the runtime data says of the machine; `untold` where a field is not there.
enum class Told { untold, yes, no };

struct RuntimeData {
  tpm::RsaKey attestation_key;  // HCLAkPub: the vTPM quotes with its private half
  std::optional<std::array<uint8_t, kUserDataBytes>> user_data;
  Told secure_boot = Told::untold;
  Told tpm_enabled = Told::untold;
  Told console_enabled = Told::untold;
  std::string vm_unique_id;  // empty when not there
};

// Parsed only [Azure-HCL]. Spans point into the bytes.
struct HclReportUnverified {
  uint32_t version = 0;
  HardwareReport kind = HardwareReport::snp;
  Bytes hardware_report;   // 1184 bytes of an SNP report, or a TDREPORT of 1024
  Bytes report_data;       // the 64 bytes of the hardware report that bind the runtime data
  uint32_t hash_type = 0;  // 1 SHA-256, 2 SHA-384, 3 SHA-512
  Bytes runtime_json;      // as the bytes it came as: that is what is hashed
  RuntimeData runtime;
};

// `malformed` for other sizes, versions and trailing bytes other than zeros, and for runtime data
// without exactly one HCLAkPub; `unsupported` for hardware or a hash that is not known.
Result<HclReportUnverified> parse_hcl_report(Bytes bytes);

// The hardware report's data is the hash of the runtime data, followed by zeros: `untrusted`
// otherwise. As good as the hardware report is.
Result<void> check_runtime_binding(const HclReportUnverified& report);

// What of a TDREPORT a TD quote repeats; spans point into it.
struct TdReport {
  Bytes report_data;                               // 64
  Bytes tee_tcb_svn;                               // 16
  Bytes mrseam, mrsignerseam;                      // 48 each
  Bytes attributes, xfam;                          // 8 each
  Bytes mrtd, mrconfigid, mrowner, mrownerconfig;  // 48 each
  std::array<Bytes, 4> rtmrs;                      // 48 each
};

// TDREPORT_STRUCT [TDX-ABI §3.11] of type 0x81; `bytes` is kTdReportBytes long.
Result<TdReport> parse_td_report(Bytes bytes);

}  // namespace sotto::attest::azure
