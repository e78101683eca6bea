// Reading what a report says about its device.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/device.h"

#include <algorithm>

#include "base/text_encoding.h"

namespace sotto::attest::nvidia {
namespace {

constexpr uint64_t kPdiBytes = 8;

// Values of feature_flag.
constexpr uint16_t kSingle = 0;
constexpr uint16_t kMulti = 1;
constexpr uint16_t kProtectedPcie = 2;

Result<void> note_text(const ReportUnverified& report, OpaqueField field, std::string_view name,
                       Claims& claims) {
  const std::optional<std::string> text = TRY(report.text(field));
  if (text && !text->empty()) claims.notes.emplace(name, *text);
  return {};
}

Result<void> note_status(const ReportUnverified& report, OpaqueField field, std::string_view name,
                         Claims& claims) {
  const std::optional<bool> status = TRY(report.status(field));
  if (status) claims.flags.emplace(name, *status);
  return {};
}

Result<void> note_identifiers(const ReportUnverified& report, OpaqueField field,
                              std::string_view name, Claims& claims) {
  const std::optional<Bytes> bytes = report.find(field);
  if (!bytes) return {};
  if (bytes->size() % kPdiBytes != 0) {
    return fail(ErrorKind::malformed, "{} has {} bytes, not {} each", name, bytes->size(),
                kPdiBytes);
  }
  claims.values.emplace(name, std::vector<uint8_t>(bytes->begin(), bytes->end()));
  return {};
}

}  // namespace

std::string_view to_string(Architecture architecture) {
  switch (architecture) {
    case Architecture::hopper:
      return "hopper";
    case Architecture::blackwell:
      return "blackwell";
    case Architecture::ls10:
      return "ls10";
  }
  return "unknown";
}

Result<Device> device_of(const crypto::Certificate& leaf) {
  const std::string name = leaf.subject_common_name();
  std::string chip = name.substr(0, name.find(' '));
  std::erase(chip, '_');
  if (chip.starts_with("GH1")) return Device{Architecture::hopper, chip};
  if (chip.starts_with("GB1") || chip.starts_with("GB2")) {
    return Device{Architecture::blackwell, chip};
  }
  if (chip == "LS10") return Device{Architecture::ls10, chip};
  return fail(ErrorKind::unsupported, "the device \"{}\" is of no known kind", name);
}

Result<std::string> gpu_mode(const ReportUnverified& report) {
  const bool pcie = TRY(report.status(OpaqueField::protected_pcie_status)).value_or(false);
  const std::optional<Bytes> flag = report.find(OpaqueField::feature_flag);
  if (!flag) return std::string(pcie ? "protected-pcie" : "single");  // reports of older drivers
  if (flag->size() != sizeof(uint16_t)) {
    return fail(ErrorKind::malformed, "the feature flag has {} bytes", flag->size());
  }
  const uint16_t value = static_cast<uint16_t>((*flag)[0] | (*flag)[1] << 8);
  if (pcie && value != kProtectedPcie) {
    return fail(ErrorKind::malformed, "protected PCIe is on and the feature flag is {}", value);
  }
  if (value == kSingle) return std::string("single");
  if (value == kMulti) return std::string("multi");
  if (value == kProtectedPcie) return std::string("protected-pcie");
  return fail(ErrorKind::unsupported, "the feature flag is {}", value);
}

Result<void> describe(const ReportUnverified& report, const Device& device, Claims& claims) {
  for (size_t i = 0; i < report.measurements.size(); ++i) {
    claims.measurements.emplace(fmt::format("measurement{}", i), report.measurements[i]);
  }
  claims.report_data.assign(report.nonce.begin(), report.nonce.end());
  claims.notes.emplace("architecture", to_string(device.architecture));
  claims.notes.emplace("chip", device.chip);
  claims.notes.emplace("vbios_version", TRY(report.vbios_version()));
  if (const std::optional<Bytes> fwid = report.find(OpaqueField::fwid)) {
    claims.values.emplace("fwid", std::vector<uint8_t>(fwid->begin(), fwid->end()));
  }
  if (is_switch(device.architecture)) {
    TRY(note_identifiers(report, OpaqueField::switch_pdi, "switch_pdi", claims));
    return note_identifiers(report, OpaqueField::switch_gpu_pdis, "gpu_pdis", claims);
  }
  const std::string mode = TRY(gpu_mode(report));
  claims.notes.emplace("mode", mode);
  claims.flags.emplace("multi_gpu", mode != "single");
  TRY(note_text(report, OpaqueField::driver_version, "driver_version", claims));
  TRY(note_text(report, OpaqueField::project, "project", claims));
  TRY(note_text(report, OpaqueField::project_sku, "project_sku", claims));
  TRY(note_text(report, OpaqueField::chip_sku, "chip_sku", claims));
  TRY(note_text(report, OpaqueField::chip_info, "chip_info", claims));
  TRY(note_status(report, OpaqueField::nvdec0_status, "nvdec0", claims));
  TRY(note_status(report, OpaqueField::protected_pcie_status, "protected_pcie", claims));
  return note_identifiers(report, OpaqueField::switch_pdi, "switch_pdis", claims);
}

}  // namespace sotto::attest::nvidia
