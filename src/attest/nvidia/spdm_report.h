// An NVIDIA measurement report as its bytes say it and before anything about it is checked: an SPDM 1.1
// GET_MEASUREMENTS request and the device's answer [SPDM §10.11].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::nvidia {

inline constexpr uint64_t kReportBytesMax = 16 << 10;
inline constexpr uint64_t kSpdmNonceBytes = 32;
inline constexpr uint64_t kReportSignatureBytes = 96;  // r and s of P-384
inline constexpr uint64_t kMeasurementBytesMax = 64;

// Fields of the device's opaque data [NVIDIA-ATTESTATION]; others are kept by number and passed over.
enum class OpaqueField : uint16_t {
  driver_version = 3,
  gpu_info = 4,
  vbios_version = 6,
  nvdec0_status = 11,
  measurement_counts = 12,
  chip_sku = 15,
  chip_sku_mod = 16,
  project = 17,
  project_sku = 18,
  project_sku_mod = 19,
  fwid = 20,
  protected_pcie_status = 21,
  switch_pdi = 22,  // of the device itself, or of the switches that a GPU is linked to
  switch_gpu_pdis = 26,
  opaque_data_version = 34,
  chip_info = 35,
  feature_flag = 36,
};

// What the bytes of nvdec0_status and protected_pcie_status mean.
inline constexpr uint8_t kStatusOn = 0xaa;
inline constexpr uint8_t kStatusOff = 0x55;

struct ReportUnverified {
  std::array<uint8_t, kSpdmNonceBytes> nonce{};           // the asker's, of the request
  std::array<uint8_t, kSpdmNonceBytes> response_nonce{};  // the device's own
  // By RIM index, which is the block's index less one.
  std::vector<std::vector<uint8_t>> measurements;
  std::map<uint16_t, std::vector<uint8_t>> opaque;

  std::vector<uint8_t> signed_bytes;  // request and answer, all before the signature
  std::array<uint8_t, kReportSignatureBytes> signature{};

  // Nothing when the device did not send it.
  std::optional<Bytes> find(OpaqueField field) const;
  // Text without its closing zeros; `malformed` unless it is printable ASCII without spaces.
  Result<std::optional<std::string>> text(OpaqueField field) const;
  // `malformed` unless it is one byte and one of the two above.
  Result<std::optional<bool>> status(OpaqueField field) const;
  // "96.00.5E.00.01", from a GPU's number or a switch's text; `malformed` when it is not there.
  Result<std::string> vbios_version() const;
};

// `malformed` when sizes do not add up, blocks are not numbered 1, 2, …, a field is there twice or
// anything but zeros follows the signature (NVML's buffers end in them); `unsupported` for other
// messages, versions and kinds of measurement.
Result<ReportUnverified> parse_report(Bytes bytes);

}  // namespace sotto::attest::nvidia
