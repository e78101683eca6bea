// Types of one byte, lengths of four, big endian.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/cel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "attest/event_log/algorithms.h"

namespace sotto::attest::event_log {
namespace {

constexpr uint8_t kRecordNumber = 0, kPcr = 1, kDigests = 3, kCcRegister = 108;
constexpr uint8_t kCosContent = 80;
constexpr uint32_t kPcrMax = 23, kRtmr0 = 1, kRtmr3 = 4;
constexpr size_t kTextMax = 256;

// Events of Confidential Space's launcher, by their number [CEL].
constexpr std::array<std::string_view, 11> kCosEvents = {"image reference",
                                                         "image digest",
                                                         "restart policy",
                                                         "image id",
                                                         "argument",
                                                         "environment",
                                                         "overriding arguments",
                                                         "overriding environment",
                                                         "end of the launch",
                                                         "memory monitoring",
                                                         "GPU mode"};

struct Tlv {
  uint8_t type = 0;
  Bytes value;
  Bytes whole;
};

Result<Tlv> read_tlv(ByteReader& in, Bytes all) {
  const uint64_t at = in.offset();
  Tlv tlv;
  tlv.type = TRY(in.read<uint8_t>("type"));
  const uint32_t length = __builtin_bswap32(TRY(in.read<uint32_t>("length")));
  tlv.value = TRY(in.take(length, "value"));
  tlv.whole = all.subspan(at, in.offset() - at);
  return tlv;
}

Result<Tlv> read_tlv_of(ByteReader& in, Bytes all, uint8_t type, std::string_view name) {
  const uint64_t at = in.offset();
  const Tlv tlv = TRY(read_tlv(in, all));
  if (tlv.type == type) return tlv;
  return fail(ErrorKind::malformed, "type {} at offset {} is not that of the {} ({})", tlv.type, at,
              name, type);
}

Result<uint64_t> number_of(Bytes value) {
  if (value.empty() || value.size() > 8) {
    return fail(ErrorKind::malformed, "a number of {} bytes", value.size());
  }
  uint64_t number = 0;
  for (const uint8_t byte : value) number = number << 8 | byte;
  return number;
}

Result<void> read_register(ByteReader& in, Bytes all, CelRecord& record) {
  const uint64_t at = in.offset();
  const Tlv tlv = TRY(read_tlv(in, all));
  if (tlv.type != kPcr && tlv.type != kCcRegister) {
    return fail(ErrorKind::malformed, "type {} at offset {} is no register's", tlv.type, at);
  }
  record.registers = tlv.type == kPcr ? Registers::pcrs : Registers::rtmrs;
  const uint64_t number = TRY(number_of(tlv.value));
  const uint64_t min = tlv.type == kPcr ? 0 : kRtmr0;
  const uint64_t max = tlv.type == kPcr ? kPcrMax : kRtmr3;
  if (number < min || number > max) {
    return fail(ErrorKind::malformed, "register {} at offset {} is not {} to {}", number, at, min,
                max);
  }
  record.reg = static_cast<uint32_t>(number);
  return {};
}

Result<void> read_digests(Bytes value, CelRecord& record) {
  ByteReader in(value);
  while (in.left() != 0) {
    const Tlv tlv = TRY(read_tlv(in, value));
    const bool twice =
        std::ranges::find(record.digests, tlv.type, &Digest::algorithm) != record.digests.end();
    if (twice || record.digests.size() == kAlgorithmsMax) {
      return fail(ErrorKind::malformed, "digests of {} algorithms, or one of them twice",
                  record.digests.size() + 1);
    }
    const auto size = hash_bytes(tlv.type);
    if (size && tlv.value.size() != *size) {
      return fail(ErrorKind::malformed, "a digest of {} with {} bytes", algorithm_name(tlv.type),
                  tlv.value.size());
    }
    record.digests.push_back({tlv.type, tlv.value});
  }
  return {};
}

// At most kTextMax characters.
std::string printable_text(std::string out, Bytes bytes) {
  for (const uint8_t byte : bytes) {
    if (out.size() + 4 > kTextMax) break;
    const bool is_printable = byte >= ' ' && byte <= '~';
    out += is_printable ? std::string(1, static_cast<char>(byte)) : fmt::format("\\x{:02x}", byte);
  }
  return out;
}

Result<CelRecord> read_record(ByteReader& in, Bytes all, uint64_t expected_number) {
  CelRecord record;
  const Tlv number = TRY(read_tlv_of(in, all, kRecordNumber, "record number"));
  if (TRY(number_of(number.value)) != expected_number) {
    return fail(ErrorKind::malformed, "the record has another number");
  }
  TRY(read_register(in, all, record));
  const Tlv digests = TRY(read_tlv_of(in, all, kDigests, "digests"));
  TRY(read_digests(digests.value, record));
  const Tlv content = TRY(read_tlv(in, all));
  record.content_type = content.type;
  record.content = content.value;
  record.content_tlv = content.whole;
  return record;
}

}  // namespace

bool CelRecord::is_proven(uint16_t algorithm) const {
  const auto digest = std::ranges::find(digests, algorithm, &Digest::algorithm);
  if (digest == digests.end()) return false;
  const auto measured = hash(algorithm, {content_tlv});
  return measured && std::ranges::equal(*measured, digest->bytes);
}

std::string CelRecord::text() const {
  if (content_type == kSottoContent) return printable_text("sotto: ", content);
  ByteReader in(content);
  const auto event = read_tlv(in, content);
  if (content_type != kCosContent || !event || in.left() != 0 || event->type >= kCosEvents.size()) {
    return fmt::format("type {}: {} bytes", content_type, content.size());
  }
  return printable_text(fmt::format("{}: ", kCosEvents[event->type]), event->value);
}

Result<std::vector<CelRecord>> parse_cel(Bytes bytes) {
  if (bytes.size() > kCelBytesMax) {
    return fail(ErrorKind::exhausted, "a canonical event log of {} bytes, more than {}",
                bytes.size(), kCelBytesMax);
  }
  ByteReader in(bytes);
  std::vector<CelRecord> records;
  while (in.left() != 0) {
    if (records.size() == kCelRecordsMax) {
      return fail(ErrorKind::exhausted, "more than {} records", kCelRecordsMax);
    }
    auto record = read_record(in, bytes, records.size());
    if (!record) {
      return within(fmt::format("record {}", records.size()), std::move(record).error());
    }
    records.push_back(std::move(*record));
  }
  return records;
}

Result<void> replay(const std::vector<CelRecord>& records, Registers registers, uint16_t algorithm,
                    RegisterValues& values) {
  const size_t size = TRY(hash_bytes(algorithm));
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].registers != registers) continue;
    const auto digest = std::ranges::find(records[i].digests, algorithm, &Digest::algorithm);
    if (digest == records[i].digests.end()) {
      return fail(ErrorKind::unsupported, "record {} has no digest of {}", i,
                  algorithm_name(algorithm));
    }
    auto& value = values.try_emplace(records[i].reg, size).first->second;
    value = TRY(hash(algorithm, {value, digest->bytes}));
  }
  return {};
}

}  // namespace sotto::attest::event_log
