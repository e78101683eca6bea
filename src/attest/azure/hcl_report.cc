// Header, hardware report, header of the runtime data, runtime data.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/hcl_report.h"

#include <algorithm>

#include "attest/azure/runtime_json.h"
#include "attest/event_log/algorithms.h"

namespace sotto::attest::azure {
namespace {

constexpr std::string_view kSignature = "HCLA";
constexpr uint32_t kRuntimeHeaderBytes = 20;
constexpr uint32_t kVersionMax = 2, kRuntimeVersion = 1, kRequestType = 2;
constexpr size_t kSnpReportDataOffset = 0x50, kTdReportDataOffset = 0x80, kReportDataBytes = 64;

bool is_zero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

Result<uint32_t> expect(ByteReader& in, std::string_view field, uint32_t wanted) {
  const uint64_t at = in.offset();
  const uint32_t value = TRY(in.read<uint32_t>(field));
  if (value == wanted) return value;
  return fail(ErrorKind::malformed, "{} at offset {} is {}, not {}", field, at, value, wanted);
}

// Returns the report's size without what follows the runtime data.
Result<uint32_t> read_header(ByteReader& in, HclReportUnverified& report) {
  const Bytes signature = TRY(in.take(kSignature.size(), "signature"));
  if (!std::ranges::equal(signature, as_bytes(kSignature))) {
    return fail(ErrorKind::malformed, "signature at offset 0 is not HCLA");
  }
  report.version = TRY(in.read<uint32_t>("version"));
  if (report.version < 1 || report.version > kVersionMax) {
    return fail(ErrorKind::unsupported, "version at offset 4 is {}, not 1 to {}", report.version,
                kVersionMax);
  }
  const uint32_t size = TRY(in.read<uint32_t>("report size"));
  TRY(expect(in, "request type", kRequestType));
  TRY(expect(in, "status", 0));
  if (!is_zero(TRY(in.take(12, "reserved")))) {
    return fail(ErrorKind::malformed, "reserved bytes at offset 20 are not zero");
  }
  return size;
}

Result<void> read_runtime(ByteReader& in, HclReportUnverified& report, uint32_t report_size) {
  const uint32_t data_size = TRY(in.read<uint32_t>("runtime data size"));
  TRY(expect(in, "runtime data version", kRuntimeVersion));
  const uint32_t kind = TRY(in.read<uint32_t>("report type"));
  report.kind = static_cast<HardwareReport>(kind);
  if (report.kind != HardwareReport::snp && report.kind != HardwareReport::tdx) {
    return fail(ErrorKind::unsupported, "report type {} is neither SEV-SNP (2) nor TDX (4)", kind);
  }
  report.hash_type = TRY(in.read<uint32_t>("hash type"));
  const uint32_t json_bytes = TRY(in.read<uint32_t>("runtime JSON size"));
  report.runtime_json = TRY(in.take(json_bytes, "runtime JSON"));
  if (data_size != kRuntimeHeaderBytes + uint64_t{json_bytes}) {
    return fail(ErrorKind::malformed, "runtime data of {} bytes with {} bytes of JSON", data_size,
                json_bytes);
  }
  if (report_size != in.offset()) {
    return fail(ErrorKind::malformed, "report size {}, but the report ends at {}", report_size,
                in.offset());
  }
  return {};
}

Result<uint16_t> hash_algorithm(uint32_t hash_type) {
  switch (hash_type) {
    case 1:
      return event_log::kSha256;
    case 2:
      return event_log::kSha384;
    case 3:
      return event_log::kSha512;
    default:
      return fail(ErrorKind::unsupported, "hash type {} of the runtime data is not known",
                  hash_type);
  }
}

}  // namespace

Result<HclReportUnverified> parse_hcl_report(Bytes bytes) {
  if (bytes.size() > kHclReportBytesMax) {
    return fail(ErrorKind::exhausted, "an HCL report of {} bytes, more than {}", bytes.size(),
                kHclReportBytesMax);
  }
  ByteReader in(bytes);
  HclReportUnverified report;
  const uint32_t report_size = TRY(read_header(in, report));
  const Bytes hardware = TRY(in.take(kHardwareReportBytes, "hardware report"));
  TRY(read_runtime(in, report, report_size));
  TRY(hash_algorithm(report.hash_type));
  if (!is_zero(bytes.subspan(in.offset()))) {
    return fail(ErrorKind::malformed, "bytes after the report's end at {} are not zero",
                in.offset());
  }
  const bool is_snp = report.kind == HardwareReport::snp;
  report.hardware_report = is_snp ? hardware : hardware.first(kTdReportBytes);
  if (!is_snp && !is_zero(hardware.subspan(kTdReportBytes))) {
    return fail(ErrorKind::malformed, "bytes after the TDREPORT are not zero");
  }
  report.report_data =
      hardware.subspan(is_snp ? kSnpReportDataOffset : kTdReportDataOffset, kReportDataBytes);
  auto runtime = parse_runtime_json(report.runtime_json);
  if (!runtime) return within("runtime data", std::move(runtime).error());
  report.runtime = std::move(*runtime);
  return report;
}

Result<void> check_runtime_binding(const HclReportUnverified& report) {
  const std::vector<uint8_t> hash =
      TRY(event_log::hash(TRY(hash_algorithm(report.hash_type)), {report.runtime_json}));
  if (!std::ranges::equal(report.report_data.first(hash.size()), hash)) {
    return fail(ErrorKind::untrusted,
                "the hardware report's data is not the hash of the runtime data");
  }
  if (!is_zero(report.report_data.subspan(hash.size()))) {
    return fail(ErrorKind::untrusted,
                "the hardware report's data goes on after the hash of the runtime data");
  }
  return {};
}

Result<TdReport> parse_td_report(Bytes bytes) {
  constexpr uint8_t kTdxType = 0x81;
  constexpr uint64_t kTcbOffset = 256, kInfoOffset = 512;
  if (bytes.size() != kTdReportBytes) {
    return fail(ErrorKind::malformed, "a TDREPORT of {} bytes, not {}", bytes.size(),
                kTdReportBytes);
  }
  if (bytes[0] != kTdxType) {
    return fail(ErrorKind::malformed, "a TDREPORT of type {:#04x}, not {:#04x}", bytes[0],
                kTdxType);
  }
  TdReport report;
  report.report_data = bytes.subspan(kTdReportDataOffset, kReportDataBytes);
  ByteReader tcb(bytes.subspan(kTcbOffset));
  TRY(tcb.take(8, "valid"));
  report.tee_tcb_svn = TRY(tcb.take(16, "TEE_TCB_SVN"));
  report.mrseam = TRY(tcb.take(48, "MRSEAM"));
  report.mrsignerseam = TRY(tcb.take(48, "MRSIGNERSEAM"));
  ByteReader info(bytes.subspan(kInfoOffset));
  report.attributes = TRY(info.take(8, "ATTRIBUTES"));
  report.xfam = TRY(info.take(8, "XFAM"));
  report.mrtd = TRY(info.take(48, "MRTD"));
  report.mrconfigid = TRY(info.take(48, "MRCONFIGID"));
  report.mrowner = TRY(info.take(48, "MROWNER"));
  report.mrownerconfig = TRY(info.take(48, "MROWNERCONFIG"));
  for (Bytes& rtmr : report.rtmrs) rtmr = TRY(info.take(48, "RTMR"));
  return report;
}

}  // namespace sotto::attest::azure
