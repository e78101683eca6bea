// Writing what event_log/cel.h reads.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/settings_log.h"

#include <string>

#include "attest/event_log/cel.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

using event_log::Registers;

constexpr uint8_t kRecordNumber = 0, kPcr = 1, kDigests = 3, kCcRegister = 108;
constexpr uint8_t kAlgorithmSha256 = 0x0b, kAlgorithmSha384 = 0x0c;

std::vector<uint8_t> big_endian(uint32_t value) {
  return {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16),
          static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

std::vector<uint8_t> tlv(uint8_t type, Bytes value) {
  ByteWriter writer;
  writer.write(type);
  writer.append(big_endian(static_cast<uint32_t>(value.size())));
  writer.append(value);
  return writer.release();
}

}  // namespace

std::vector<std::vector<uint8_t>> settings_events(const Statement& statement) {
  std::vector<std::vector<uint8_t>> events;
  const auto add = [&](const std::string& text) {
    events.push_back(tlv(event_log::kSottoContent, as_bytes(text)));
  };
  for (const StatedModel& model : statement.models) add("model_root=" + hex_of(model.model_root));
  add("configuration_sha256=" + hex_of(statement.configuration_sha256));
  return events;
}

std::vector<uint8_t> settings_log(const Statement& statement, Registers registers) {
  const bool pcrs = registers == Registers::pcrs;
  ByteWriter log;
  uint32_t number = 0;
  for (const std::vector<uint8_t>& content : settings_events(statement)) {
    log.append(tlv(kRecordNumber, big_endian(number)));
    ++number;
    // Logs count RTMRs from 1 on: 0 is MRTD.
    log.append(tlv(pcrs ? kPcr : kCcRegister, big_endian(pcrs ? kSettingsPcr : kSettingsRtmr + 1)));
    ByteWriter digests;
    if (pcrs) digests.append(tlv(kAlgorithmSha256, crypto::sha256(content)));
    digests.append(tlv(kAlgorithmSha384, crypto::sha384(content)));
    log.append(tlv(kDigests, digests.bytes()));
    log.append(content);
  }
  return log.release();
}

std::vector<uint8_t> settings_register(const Statement& statement,
                                       crypto::HashAlgorithm algorithm) {
  std::vector<uint8_t> value(crypto::digest_bytes(algorithm));
  for (const std::vector<uint8_t>& content : settings_events(statement)) {
    const std::vector<uint8_t> digest = crypto::hash(algorithm, content);
    value.insert(value.end(), digest.begin(), digest.end());
    value = crypto::hash(algorithm, value);
  }
  return value;
}

}  // namespace sotto::attest
