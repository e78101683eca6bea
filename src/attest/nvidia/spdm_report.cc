// Reading SPDM measurement reports.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/spdm_report.h"

#include <algorithm>

namespace sotto::attest::nvidia {
namespace {

constexpr uint8_t kSpdmVersion11 = 0x11;
constexpr uint8_t kGetMeasurements = 0xe0;
constexpr uint8_t kMeasurements = 0x60;
constexpr uint8_t kSignatureRequested = 0x01;
constexpr uint8_t kAllMeasurements = 0xff;
constexpr uint8_t kDmtfSpecification = 0x01;
// Of a block's value type: bit 7 says that it is raw and no digest; the others say of what.
constexpr uint8_t kRawValue = 0x80;
constexpr uint64_t kValueHeaderBytes = 3;

template <size_t kBytes>
Result<std::array<uint8_t, kBytes>> take_array(ByteReader& reader, std::string_view field) {
  const Bytes bytes = TRY(reader.take(kBytes, field));
  std::array<uint8_t, kBytes> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

Result<void> read_request(ByteReader& reader, ReportUnverified& report) {
  const auto version = TRY(reader.read<uint8_t>("request version"));
  const auto code = TRY(reader.read<uint8_t>("request code"));
  if (version != kSpdmVersion11 || code != kGetMeasurements) {
    return fail(ErrorKind::unsupported, "the request is {:#04x} {:#04x}, not GET_MEASUREMENTS 1.1",
                version, code);
  }
  const auto attributes = TRY(reader.read<uint8_t>("request param1"));
  const auto operation = TRY(reader.read<uint8_t>("request param2"));
  if (attributes != kSignatureRequested || operation != kAllMeasurements) {
    return fail(ErrorKind::unsupported,
                "the request asks {:#04x} {:#04x}, not for all measurements, signed", attributes,
                operation);
  }
  report.nonce = TRY(take_array<kSpdmNonceBytes>(reader, "request nonce"));
  const auto slot = TRY(reader.read<uint8_t>("request slot"));
  if (slot != 0) return fail(ErrorKind::unsupported, "certificate slot {}, not 0", slot);
  return {};
}

Result<void> read_block(ByteReader& reader, ReportUnverified& report) {
  const auto index = TRY(reader.read<uint8_t>("measurement index"));
  if (index != report.measurements.size() + 1) {
    return fail(ErrorKind::malformed, "measurement index {} stands where {} must", index,
                report.measurements.size() + 1);
  }
  const auto specification = TRY(reader.read<uint8_t>("measurement specification"));
  if (specification != kDmtfSpecification) {
    return fail(ErrorKind::unsupported, "measurement {} is of specification {}, not 1", index,
                specification);
  }
  const auto size = TRY(reader.read<uint16_t>("measurement size"));
  const auto type = TRY(reader.read<uint8_t>("measurement value type"));
  if ((type & kRawValue) != 0) {
    return fail(ErrorKind::unsupported, "measurement {} is a raw value, not a digest", index);
  }
  const auto value_bytes = TRY(reader.read<uint16_t>("measurement value size"));
  if (value_bytes + kValueHeaderBytes != size || value_bytes > kMeasurementBytesMax) {
    return fail(ErrorKind::malformed, "measurement {} has {} bytes, its value {}", index, size,
                value_bytes);
  }
  const Bytes value = TRY(reader.take(value_bytes, "measurement value"));
  report.measurements.emplace_back(value.begin(), value.end());
  return {};
}

Result<void> read_opaque(Bytes bytes, ReportUnverified& report) {
  ByteReader reader(bytes);
  while (reader.left() > 0) {
    const auto type = TRY(reader.read<uint16_t>("opaque field type"));
    const auto size = TRY(reader.read<uint16_t>("opaque field size"));
    const Bytes value = TRY(reader.take(size, "opaque field"));
    if (!report.opaque.emplace(type, std::vector<uint8_t>(value.begin(), value.end())).second) {
      return fail(ErrorKind::malformed, "opaque field {} is there twice", type);
    }
  }
  return {};
}

Result<void> read_response(ByteReader& reader, ReportUnverified& report) {
  const auto version = TRY(reader.read<uint8_t>("response version"));
  const auto code = TRY(reader.read<uint8_t>("response code"));
  if (version != kSpdmVersion11 || code != kMeasurements) {
    return fail(ErrorKind::unsupported, "the response is {:#04x} {:#04x}, not MEASUREMENTS 1.1",
                version, code);
  }
  const auto param1 = TRY(reader.read<uint8_t>("response param1"));
  const auto slot = TRY(reader.read<uint8_t>("response param2"));
  if (param1 != 0 || slot != 0) {
    return fail(ErrorKind::unsupported, "the response's parameters are {:#04x} {:#04x}, not 0",
                param1, slot);
  }
  const auto blocks = TRY(reader.read<uint8_t>("number of measurements"));
  const auto low = TRY(reader.read<uint16_t>("measurement record length"));
  const auto high = TRY(reader.read<uint8_t>("measurement record length"));
  const uint64_t record_bytes = low | static_cast<uint64_t>(high) << 16;
  ByteReader record(TRY(reader.take(record_bytes, "measurement record")));
  for (int i = 0; i < blocks; ++i) TRY(read_block(record, report));
  if (record.left() != 0 || blocks == 0) {
    return fail(ErrorKind::malformed, "{} bytes of the measurement record follow its {} blocks",
                record.left(), blocks);
  }
  report.response_nonce = TRY(take_array<kSpdmNonceBytes>(reader, "response nonce"));
  const auto opaque_bytes = TRY(reader.read<uint16_t>("opaque length"));
  return read_opaque(TRY(reader.take(opaque_bytes, "opaque data")), report);
}

}  // namespace

Result<ReportUnverified> parse_report(Bytes bytes) {
  if (bytes.size() > kReportBytesMax) {
    return fail(ErrorKind::malformed, "a report of {} bytes, the limit is {}", bytes.size(),
                kReportBytesMax);
  }
  ReportUnverified report;
  ByteReader reader(bytes);
  TRY(read_request(reader, report));
  TRY(read_response(reader, report));
  const Bytes signed_bytes = bytes.first(reader.offset());
  report.signed_bytes.assign(signed_bytes.begin(), signed_bytes.end());
  report.signature = TRY(take_array<kReportSignatureBytes>(reader, "signature"));
  const Bytes rest = bytes.subspan(reader.offset());
  if (!std::all_of(rest.begin(), rest.end(), [](uint8_t byte) { return byte == 0; })) {
    return fail(ErrorKind::malformed, "{} bytes that are not zero follow the signature",
                rest.size());
  }
  return report;
}

std::optional<Bytes> ReportUnverified::find(OpaqueField field) const {
  const auto found = opaque.find(static_cast<uint16_t>(field));
  if (found == opaque.end()) return std::nullopt;
  return Bytes(found->second);
}

Result<std::optional<std::string>> ReportUnverified::text(OpaqueField field) const {
  const std::optional<Bytes> bytes = find(field);
  if (!bytes) return std::optional<std::string>();
  std::string text(bytes->begin(), bytes->end());
  text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
  const bool zeros_follow = std::all_of(bytes->begin() + static_cast<ptrdiff_t>(text.size()),
                                        bytes->end(), [](uint8_t byte) { return byte == 0; });
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!zeros_follow || !printable) {
    return fail(ErrorKind::malformed, "opaque field {} is no text", static_cast<uint16_t>(field));
  }
  return std::optional<std::string>(std::move(text));
}

Result<std::optional<bool>> ReportUnverified::status(OpaqueField field) const {
  const std::optional<Bytes> bytes = find(field);
  if (!bytes) return std::optional<bool>();
  if (bytes->size() != 1 || (bytes->front() != kStatusOn && bytes->front() != kStatusOff)) {
    return fail(ErrorKind::malformed, "opaque field {} is neither on nor off",
                static_cast<uint16_t>(field));
  }
  return std::optional<bool>(bytes->front() == kStatusOn);
}

Result<std::string> ReportUnverified::vbios_version() const {
  const std::optional<Bytes> bytes = find(OpaqueField::vbios_version);
  if (!bytes) return fail(ErrorKind::malformed, "the report has no VBIOS version");
  if (bytes->size() == 8) {  // a little-endian number, and the build's number after it
    const Bytes raw = *bytes;
    if (raw[5] != 0 || raw[6] != 0 || raw[7] != 0) {
      return fail(ErrorKind::malformed, "the VBIOS version has a number above 255");
    }
    return fmt::format("{:02X}.{:02X}.{:02X}.{:02X}.{:02X}", raw[3], raw[2], raw[1], raw[0],
                       raw[4]);
  }
  const std::optional<std::string> version = TRY(text(OpaqueField::vbios_version));
  return *version;
}

}  // namespace sotto::attest::nvidia
