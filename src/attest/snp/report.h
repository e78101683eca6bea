// An AMD SEV-SNP attestation report as its bytes say it, before anything about it is checked
// [SNP-ABI §7.3].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sotto::attest::snp {

inline constexpr uint64_t kReportBytes = 1184;
inline constexpr uint64_t kSignedBytes = 0x2a0;
inline constexpr uint32_t kVersionMin = 2;
inline constexpr uint32_t kVersionMax = 5;

// The processors' generations, which differ in their roots and in the layout of TCB versions.
enum class Product : uint8_t { milan, genoa, turin };

// "Milan", "Genoa", "Turin", as AMD's key service and certificates write it.
std::string_view to_string(Product product);

// Security versions of the processor's firmware, as eight bytes whose meaning is the product's.
using TcbBytes = std::array<uint8_t, 8>;

struct TcbVersion {
  std::optional<uint8_t> fmc;  // Turin's
  uint8_t boot_loader = 0;
  uint8_t tee = 0;
  uint8_t snp = 0;
  uint8_t microcode = 0;
};

TcbVersion decode_tcb(const TcbBytes& bytes, Product product);
// "boot loader 4, TEE 0, SNP 24, microcode 219", with "FMC 1, " in front for Turin.
std::string to_string(const TcbVersion& tcb);
// Whether no part of `a` is newer than the same part of `b`; the same for both layouts.
bool not_above(const TcbBytes& a, const TcbBytes& b);

// Bits of a guest's policy, fixed at its launch.
inline constexpr uint64_t kPolicySmt = 1 << 16;          // may run where hyper-threads are on
inline constexpr uint64_t kPolicyReservedOne = 1 << 17;  // always set
inline constexpr uint64_t kPolicyMigration = 1 << 18;    // a migration agent may be associated
inline constexpr uint64_t kPolicyDebug = 1 << 19;        // the host may read and write its memory
inline constexpr uint64_t kPolicySingleSocket = 1 << 20;
inline constexpr uint64_t kPolicyCxl = 1 << 21;
inline constexpr uint64_t kPolicyAes256Xts = 1 << 22;
inline constexpr uint64_t kPolicyRaplOff = 1 << 23;
inline constexpr uint64_t kPolicyCiphertextHiding = 1 << 24;
inline constexpr uint64_t kPolicyPageSwapOff = 1 << 25;
inline constexpr uint64_t kPolicyReservedZero = ~((uint64_t{1} << 26) - 1);

enum class SigningKey : uint8_t { vcek = 0, vlek = 1 };

std::string_view to_string(SigningKey key);

struct Cpu {
  uint8_t family;  // extended family added, as in CPUID
  uint8_t model;
  uint8_t stepping;
};

struct FirmwareVersion {
  uint8_t major = 0;
  uint8_t minor = 0;
  uint8_t build = 0;
  auto operator<=>(const FirmwareVersion&) const = default;
};
std::string to_string(const FirmwareVersion& version);  // "1.55.29"

struct ReportUnverified {
  uint32_t version = 0;
  uint32_t guest_svn = 0;
  uint64_t policy = 0;
  std::array<uint8_t, 16> family_id{};
  std::array<uint8_t, 16> image_id{};
  uint32_t vmpl = 0;
  uint64_t platform_info = 0;
  bool author_key_enabled = false;
  SigningKey signing_key = SigningKey::vcek;
  std::array<uint8_t, 64> report_data{};
  std::array<uint8_t, 48> measurement{};
  std::array<uint8_t, 32> host_data{};
  std::array<uint8_t, 48> id_key_digest{};
  std::array<uint8_t, 48> author_key_digest{};
  std::array<uint8_t, 32> report_id{};
  std::array<uint8_t, 32> report_id_migration_agent{};  // all ones where there is none
  std::array<uint8_t, 64> chip_id{};                    // zero where the host hides it
  TcbBytes current_tcb{};
  TcbBytes reported_tcb{};
  TcbBytes committed_tcb{};
  TcbBytes launch_tcb{};
  std::optional<Cpu> cpu;  // from version 3 on
  FirmwareVersion current_firmware;
  FirmwareVersion committed_firmware;
  std::optional<uint64_t> launch_mitigations;  // from version 5 on
  std::optional<uint64_t> current_mitigations;

  std::array<uint8_t, kSignedBytes> signed_bytes{};
  std::array<uint8_t, 96> signature{};  // r and s, 48 bytes each, big endian
};

// Exactly one report. `unsupported` for a version or signature algorithm that is not known here,
// `untrusted` for a report that says it is not signed.
Result<ReportUnverified> parse_report(Bytes bytes);

// From family and model; nothing for a report without them, `unsupported` for others than the three.
Result<std::optional<Product>> product_of(const ReportUnverified& report);

}  // namespace sotto::attest::snp
