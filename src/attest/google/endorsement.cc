// One loop per message.
// SPDX-License-Identifier: Apache-2.0
#include "attest/google/endorsement.h"

#include <algorithm>
#include <array>
#include <set>

#include "attest/google/protobuf.h"

namespace sotto::attest::google {
namespace {

// Calls `read(field)` for every field of a message; `repeated` may be there more than once.
template <class Read>
Result<void> read_message(Bytes bytes, std::string_view message, uint32_t repeated, Read read) {
  ProtoReader in(bytes);
  std::set<uint32_t> seen;
  while (!in.at_end()) {
    auto field = in.next();
    if (!field) return within(message, std::move(field).error());
    if (field->number != repeated && !seen.insert(field->number).second) {
      return fail(ErrorKind::malformed, "{}: field {} is there twice", message, field->number);
    }
    const Result<void> ok = read(*field);
    if (!ok) return within(message, ok.error());
  }
  return {};
}

Result<Bytes> bytes_of(const ProtoField& field, std::string_view name) {
  TRY(expect_type(field, WireType::bytes, name));
  return field.bytes;
}

Result<uint64_t> number_of(const ProtoField& field, std::string_view name) {
  TRY(expect_type(field, WireType::varint, name));
  return field.value;
}

Result<uint32_t> small_number_of(const ProtoField& field, std::string_view name) {
  const uint64_t value = TRY(number_of(field, name));
  if (value > UINT32_MAX) return fail(ErrorKind::malformed, "{} is {}", name, value);
  return static_cast<uint32_t>(value);
}

Result<Measurement> measurement_of(const ProtoField& field, std::string_view name) {
  const Bytes raw = TRY(bytes_of(field, name));
  Measurement value;
  if (raw.size() != value.size()) {
    return fail(ErrorKind::malformed, "{} has {} bytes, not {}", name, raw.size(), value.size());
  }
  std::ranges::copy(raw, value.begin());
  return value;
}

Result<std::vector<uint8_t>> guid_of(const ProtoField& field, std::string_view name) {
  const Bytes raw = TRY(bytes_of(field, name));
  if (!raw.empty() && raw.size() != 16) {
    return fail(ErrorKind::malformed, "{} has {} bytes, not 16", name, raw.size());
  }
  return std::vector<uint8_t>(raw.begin(), raw.end());
}

Result<int64_t> read_timestamp(Bytes bytes) {
  uint64_t seconds = 0;
  TRY(read_message(bytes, "timestamp", 0, [&](const ProtoField& field) -> Result<void> {
    const uint64_t value = TRY(number_of(field, "timestamp's field"));
    if (field.number == 1) seconds = value;
    return {};
  }));
  return static_cast<int64_t>(seconds);
}

// One entry of map<uint32, bytes>.
Result<void> read_snp_measurement(Bytes bytes, SnpGolden& golden) {
  uint32_t vcpus = 0;
  std::optional<Measurement> value;
  TRY(read_message(bytes, "SNP measurement", 0, [&](const ProtoField& field) -> Result<void> {
    if (field.number == 1) vcpus = TRY(small_number_of(field, "vCPU count"));
    if (field.number == 2) value = TRY(measurement_of(field, "measurement"));
    return {};
  }));
  if (!value) return fail(ErrorKind::malformed, "no measurement for {} vCPUs", vcpus);
  if (!golden.measurements.emplace(vcpus, *value).second) {
    return fail(ErrorKind::malformed, "two measurements for {} vCPUs", vcpus);
  }
  if (golden.measurements.size() > kMeasurementsMax) {
    return fail(ErrorKind::exhausted, "more than {} measurements", kMeasurementsMax);
  }
  return {};
}

Result<SnpGolden> read_snp(Bytes bytes) {
  SnpGolden golden;
  TRY(read_message(bytes, "SEV-SNP", 2, [&](const ProtoField& field) -> Result<void> {
    switch (field.number) {
      case 1:
        golden.svn = TRY(small_number_of(field, "SVN"));
        return {};
      case 2:
        return read_snp_measurement(TRY(bytes_of(field, "measurement")), golden);
      case 3:
        golden.family_id = TRY(guid_of(field, "family id"));
        return {};
      case 4:
        golden.image_id = TRY(guid_of(field, "image id"));
        return {};
      case 5:
        golden.policy = TRY(number_of(field, "policy"));
        return {};
      default:
        return {};
    }
  }));
  return golden;
}

Result<TdxGolden::Configuration> read_configuration(Bytes bytes) {
  TdxGolden::Configuration configuration;
  bool has_mrtd = false;
  TRY(read_message(bytes, "TDX measurement", 0, [&](const ProtoField& field) -> Result<void> {
    if (field.number == 1) configuration.ram_gib = TRY(small_number_of(field, "RAM"));
    if (field.number == 2) configuration.early_accept = TRY(number_of(field, "early accept")) != 0;
    if (field.number == 3) {
      configuration.mrtd = TRY(measurement_of(field, "MRTD"));
      has_mrtd = true;
    }
    return {};
  }));
  if (!has_mrtd) return fail(ErrorKind::malformed, "a TDX measurement without its MRTD");
  return configuration;
}

Result<TdxGolden> read_tdx(Bytes bytes) {
  TdxGolden golden;
  TRY(read_message(bytes, "TDX", 2, [&](const ProtoField& field) -> Result<void> {
    if (field.number == 1) golden.svn = TRY(small_number_of(field, "SVN"));
    if (field.number == 2) {
      if (golden.configurations.size() == kMeasurementsMax) {
        return fail(ErrorKind::exhausted, "more than {} measurements", kMeasurementsMax);
      }
      golden.configurations.push_back(TRY(read_configuration(TRY(bytes_of(field, "measurement")))));
    }
    return {};
  }));
  return golden;
}

Result<GoldenMeasurement> read_golden(Bytes bytes) {
  GoldenMeasurement golden;
  bool has_firmware = false;
  TRY(read_message(bytes, "golden measurement", 0, [&](const ProtoField& field) -> Result<void> {
    switch (field.number) {
      case 1:
        golden.timestamp = TRY(read_timestamp(TRY(bytes_of(field, "timestamp"))));
        return {};
      case 2:
        golden.changelist = TRY(number_of(field, "changelist"));
        return {};
      case 3: {
        const Bytes commit = TRY(bytes_of(field, "commit"));
        golden.commit.assign(commit.begin(), commit.end());
        return {};
      }
      case 4:
        golden.certificate = TRY(bytes_of(field, "certificate"));
        return {};
      case 5:
        golden.firmware = TRY(measurement_of(field, "digest"));
        has_firmware = true;
        return {};
      case 6:
        golden.ca_bundle = TRY(bytes_of(field, "CA bundle"));
        return {};
      case 7:
        golden.snp = TRY(read_snp(TRY(bytes_of(field, "SEV-SNP"))));
        return {};
      case 8:
        golden.tdx = TRY(read_tdx(TRY(bytes_of(field, "TDX"))));
        return {};
      default:
        return {};
    }
  }));
  if (golden.certificate.empty()) return fail(ErrorKind::malformed, "no signing certificate");
  if (!has_firmware) return fail(ErrorKind::malformed, "no digest of the firmware");
  return golden;
}

}  // namespace

Result<EndorsementUnverified> parse_endorsement(Bytes bytes) {
  if (bytes.size() > kEndorsementBytesMax) {
    return fail(ErrorKind::exhausted, "a launch endorsement of {} bytes, more than {}",
                bytes.size(), kEndorsementBytesMax);
  }
  EndorsementUnverified endorsement;
  TRY(read_message(bytes, "launch endorsement", 0, [&](const ProtoField& field) -> Result<void> {
    if (field.number == 1) {
      endorsement.signed_bytes = TRY(bytes_of(field, "golden measurement"));
    } else if (field.number == 2) {
      endorsement.signature = TRY(bytes_of(field, "signature"));
    } else {
      return fail(ErrorKind::malformed, "field {} is not known", field.number);
    }
    return {};
  }));
  if (endorsement.signed_bytes.empty()) {
    return fail(ErrorKind::malformed, "a launch endorsement without its golden measurement");
  }
  if (endorsement.signature.empty()) {
    return fail(ErrorKind::malformed, "a launch endorsement without its signature");
  }
  endorsement.golden = TRY(read_golden(endorsement.signed_bytes));
  return endorsement;
}

Result<Bytes> find_endorsement(Bytes table) {
  // 9f4116cd-c503-4f5a-8f6f-fb68882f4ce2 [GCE-TCB], in the order of its text.
  constexpr std::array<uint8_t, 16> kEndorsement = {0x9f, 0x41, 0x16, 0xcd, 0xc5, 0x03, 0x4f, 0x5a,
                                                    0x8f, 0x6f, 0xfb, 0x68, 0x88, 0x2f, 0x4c, 0xe2};
  constexpr std::array<uint8_t, 16> kEnd{};
  Bytes found;
  ByteReader in(table);
  while (in.left() != 0) {
    const Bytes guid = TRY(in.take(kEndorsement.size(), "GUID"));
    const uint32_t offset = TRY(in.read<uint32_t>("offset"));
    const uint32_t bytes = TRY(in.read<uint32_t>("length"));
    if (std::ranges::equal(guid, kEnd)) break;
    if (!std::ranges::equal(guid, kEndorsement)) continue;
    if (offset > table.size() || bytes > table.size() - offset || bytes == 0) {
      return fail(ErrorKind::malformed, "certificate table: {} bytes at offset {} of {}", bytes,
                  offset, table.size());
    }
    if (!found.empty()) return fail(ErrorKind::malformed, "certificate table: two endorsements");
    found = table.subspan(offset, bytes);
  }
  return found;
}

}  // namespace sotto::attest::google
