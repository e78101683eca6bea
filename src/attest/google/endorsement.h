// Google's endorsement of the firmware that its confidential VMs start with: signed reference values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::google {

inline constexpr size_t kEndorsementBytesMax = 1 << 20;
inline constexpr size_t kMeasurementsMax = 4096;

using Measurement = std::array<uint8_t, 48>;  // SHA-384

struct SnpGolden {
  uint32_t svn = 0;
  std::map<uint32_t, Measurement> measurements;  // by the number of vCPUs at launch
  std::vector<uint8_t> family_id, image_id;      // 16 bytes, or empty
  uint64_t policy = 0;
};

struct TdxGolden {
  struct Configuration {
    uint32_t ram_gib = 0;
    bool early_accept = false;
    Measurement mrtd{};
  };
  uint32_t svn = 0;
  std::vector<Configuration> configurations;
};

// VMGoldenMeasurement [GCE-TCB].
struct GoldenMeasurement {
  int64_t timestamp = 0;        // Unix time of signing
  uint64_t changelist = 0;      // what the firmware was built from: this
  std::vector<uint8_t> commit;  // or this
  Bytes certificate;            // DER, of the signing key; points into the endorsement
  Bytes ca_bundle;              // PEM, may be empty; points into the endorsement
  Measurement firmware{};       // SHA-384 of the firmware's file
  std::optional<SnpGolden> snp;
  std::optional<TdxGolden> tdx;
};

// VMLaunchEndorsement, parsed only.
struct EndorsementUnverified {
  Bytes signed_bytes;  // the serialized golden measurement
  Bytes signature;
  GoldenMeasurement golden;
};

// `malformed` also for a field that is there twice (two readers could disagree about it) and for any
// field besides the two of the outer message, which no signature covers.
Result<EndorsementUnverified> parse_endorsement(Bytes bytes);

// The endorsement that Google's host puts into the certificate table beside an SEV-SNP report
// [GHCB §4.1.8]; empty where there is none, `malformed` when it is there twice or lies outside.
Result<Bytes> find_endorsement(Bytes certificate_table);

}  // namespace sotto::attest::google
