// An evidence bundle: a node's statement, the evidence that is bound to it, and all that a client needs to
// check it without asking anybody else [attestation §4].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attest/evidence.h"
#include "base/result.h"

namespace sotto::attest {

inline constexpr uint64_t kBundleBytesMax = 32 << 20;
inline constexpr size_t kBundleEvidenceMax = 80;  // a processor's, a TPM's, and GPUs'
inline constexpr size_t kBundleLogsMax = 8;
inline constexpr size_t kNonceBytesMin = 16;
inline constexpr size_t kNonceBytesMax = 64;

struct BundledEvidence {
  EvidenceKind kind{};
  std::vector<uint8_t> data;
  Collateral collateral;  // of this piece alone; it counts before the bundle's
};

struct BundledLog {
  std::string kind;  // "ccel" or "cel": what explains a TD's RTMRs
  std::vector<uint8_t> data;
};

// Owned bytes, unverified.
struct Bundle {
  std::vector<uint8_t> statement;         // its exact bytes
  std::vector<uint8_t> nonce;             // empty: evidence that was made before anybody asked
  std::vector<BundledEvidence> evidence;  // the processor's first
  Collateral collateral;
  std::vector<BundledLog> event_logs;
};

// {"version":1, "statement", "nonce", "evidence":[{"kind","data","collateral"?}…], "collateral":{…},
// "event_logs":[{"kind","data"}…]}, all bytes base64url. Members of kHints may stand beside; others are
// `malformed`, like a nonce of another length than 0 or kNonceBytesMin to kNonceBytesMax.
Result<Bundle> parse_bundle(std::string_view json);
std::string serialize(const Bundle& bundle);
// The same with further members, a JSON object's: what older clients read beside.
std::string serialize(const Bundle& bundle, std::string_view hints);

// Members that other programs read and nobody should believe.
inline constexpr std::string_view kHints[] = {"platform",          "vm_size",        "tee_verified",
                                              "azure_attestation", "tpm_pcr_sha256", "tee_dmesg"};

// A collateral's blobs as a JSON object of base64url texts, and back.
std::string serialize(const Collateral& collateral);
Result<Collateral> parse_collateral(std::string_view json);

}  // namespace sotto::attest
