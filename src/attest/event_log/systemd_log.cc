// Record separator, JSON text, line feed; again and again.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/systemd_log.h"

#include <algorithm>
#include <boost/json/value.hpp>

#include "attest/event_log/algorithms.h"
#include "attest/json/strict_json.h"
#include "base/text_encoding.h"

namespace sotto::attest::event_log {
namespace {

namespace json = boost::json;

constexpr char kRecordSeparator = '\x1e';
constexpr uint32_t kPcrMax = 23;

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

Result<std::vector<uint8_t>> read_digest(std::string_view hex, size_t bytes) {
  std::vector<uint8_t> digest = TRY(bytes_of_hex(hex));
  if (digest.size() != bytes) {
    return fail(ErrorKind::malformed, "a digest has {} bytes, not {}", digest.size(), bytes);
  }
  return digest;
}

Result<void> read_digests(const json::object& object, SystemdRecord& record) {
  const json::value* digests = object.if_contains("digests");
  if (digests == nullptr || !digests->is_array()) {
    return fail(ErrorKind::malformed, "digests are missing");
  }
  for (const json::value& entry : digests->get_array()) {
    if (!entry.is_object()) return fail(ErrorKind::malformed, "a digest is not an object");
    const uint16_t algorithm = TRY(algorithm_named(text_of(entry.get_object(), "hashAlg")));
    const size_t size = TRY(hash_bytes(algorithm));
    for (const auto& before : record.digests) {
      if (before.algorithm == algorithm) {
        return fail(ErrorKind::malformed, "two digests of {}", algorithm_name(algorithm));
      }
    }
    record.digests.push_back(
        {algorithm, TRY(read_digest(text_of(entry.get_object(), "digest"), size))});
  }
  return {};
}

Result<SystemdRecord> read_record(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, text.size()));
  if (!value.is_object()) return fail(ErrorKind::malformed, "not a JSON object");
  const json::object& object = value.get_object();
  if (text_of(object, "content_type") != "systemd") {
    return fail(ErrorKind::unsupported, "the content type is not systemd");
  }
  SystemdRecord record;
  const json::value* pcr = object.if_contains("pcr");
  if (pcr == nullptr || !pcr->is_int64() || pcr->get_int64() < 0 || pcr->get_int64() > kPcrMax) {
    return fail(ErrorKind::malformed, "pcr is not 0 to {}", kPcrMax);
  }
  record.pcr = static_cast<uint32_t>(pcr->get_int64());
  TRY(read_digests(object, record));
  const json::value* content = object.if_contains("content");
  if (content != nullptr && content->is_object()) {
    record.event_type = text_of(content->get_object(), "eventType");
    record.text = text_of(content->get_object(), "string");
  }
  return record;
}

}  // namespace

bool SystemdRecord::is_proven(uint16_t algorithm) const {
  const auto digest = std::ranges::find(digests, algorithm, &RecordDigest::algorithm);
  if (digest == digests.end()) return false;
  const auto measured = hash(algorithm, {as_bytes(text)});
  return measured && *measured == digest->bytes;
}

Result<std::vector<SystemdRecord>> parse_systemd_log(std::string_view text) {
  if (text.size() > kSystemdLogBytesMax) {
    return fail(ErrorKind::exhausted, "a systemd log of {} bytes, more than {}", text.size(),
                kSystemdLogBytesMax);
  }
  std::vector<SystemdRecord> records;
  while (!text.empty()) {
    if (text.front() != kRecordSeparator) {
      return fail(ErrorKind::malformed, "record {} does not begin with a record separator",
                  records.size());
    }
    if (records.size() == kSystemdRecordsMax) {
      return fail(ErrorKind::exhausted, "more than {} records", kSystemdRecordsMax);
    }
    text.remove_prefix(1);
    const size_t end = std::min(text.find(kRecordSeparator), text.size());
    auto record = read_record(text.substr(0, end));
    if (!record) {
      return within(fmt::format("record {}", records.size()), std::move(record).error());
    }
    records.push_back(std::move(*record));
    text.remove_prefix(end);
  }
  return records;
}

Result<void> replay(const std::vector<SystemdRecord>& records, uint16_t algorithm,
                    RegisterValues& values) {
  const size_t size = TRY(hash_bytes(algorithm));
  for (size_t i = 0; i < records.size(); ++i) {
    const auto digest =
        std::ranges::find(records[i].digests, algorithm, &SystemdRecord::RecordDigest::algorithm);
    if (digest == records[i].digests.end()) {
      return fail(ErrorKind::unsupported, "record {} of the systemd log has no digest of {}", i,
                  algorithm_name(algorithm));
    }
    auto& value = values.try_emplace(records[i].pcr, size).first->second;
    value = TRY(hash(algorithm, {value, digest->bytes}));
  }
  return {};
}

}  // namespace sotto::attest::event_log
