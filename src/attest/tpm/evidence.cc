// Boost.JSON both ways.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/evidence.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "attest/event_log/algorithms.h"
#include "attest/json/strict_json.h"
#include "base/text_encoding.h"

namespace sotto::attest::tpm {
namespace {

namespace json = boost::json;

constexpr int64_t kVersion = 1;

struct Field {
  std::string_view name;
  std::vector<uint8_t> QuoteEvidence::* bytes;
};
constexpr std::array kFields{Field{"quote", &QuoteEvidence::attest},
                             Field{"signature", &QuoteEvidence::signature},
                             Field{"key", &QuoteEvidence::key},
                             Field{"certificate", &QuoteEvidence::certificate},
                             Field{"intermediates", &QuoteEvidence::intermediates},
                             Field{"event_log", &QuoteEvidence::event_log}};

Result<std::vector<uint8_t>> read_bytes(const json::value& value, std::string_view name) {
  if (!value.is_string()) return fail(ErrorKind::malformed, "{} is not a string", name);
  auto bytes = bytes_of_base64({value.get_string().data(), value.get_string().size()}, Base64::url);
  if (!bytes) return within(name, std::move(bytes).error());
  return bytes;
}

Result<PcrValues> read_bank(const json::value& value, size_t size) {
  if (!value.is_object()) return fail(ErrorKind::malformed, "a PCR bank is not an object");
  PcrValues values;
  for (const auto& [name, entry] : value.get_object()) {
    uint32_t pcr = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pcr);
    if (error != std::errc() || end != name.data() + name.size() || pcr >= kPcrCount ||
        (name.size() > 1 && name[0] == '0')) {
      return fail(ErrorKind::malformed, "a PCR's number is not 0 to {}", kPcrCount - 1);
    }
    if (!entry.is_string()) return fail(ErrorKind::malformed, "PCR {} is not a string", pcr);
    std::vector<uint8_t> bytes =
        TRY(bytes_of_hex({entry.get_string().data(), entry.get_string().size()}));
    if (bytes.size() != size) {
      return fail(ErrorKind::malformed, "PCR {} has {} bytes, not {}", pcr, bytes.size(), size);
    }
    values[pcr] = std::move(bytes);
  }
  return values;
}

Result<PcrBanks> read_pcrs(const json::value& value) {
  if (!value.is_object()) return fail(ErrorKind::malformed, "pcrs is not an object");
  PcrBanks banks;
  for (const auto& [name, bank] : value.get_object()) {
    const uint16_t algorithm = TRY(event_log::algorithm_named({name.data(), name.size()}));
    banks[algorithm] = TRY(read_bank(bank, TRY(event_log::hash_bytes(algorithm))));
  }
  return banks;
}

Result<void> read_field(std::string_view name, const json::value& value, QuoteEvidence& evidence) {
  if (name == "version") {
    if (value.is_int64() && value.get_int64() == kVersion) return {};
    return fail(ErrorKind::unsupported, "the evidence's version is not {}", kVersion);
  }
  if (name == "pcrs") {
    evidence.pcrs = TRY(read_pcrs(value));
    return {};
  }
  if (name == "systemd_log") {
    const std::vector<uint8_t> bytes = TRY(read_bytes(value, name));
    evidence.systemd_log.assign(bytes.begin(), bytes.end());
    return {};
  }
  const auto field = std::ranges::find(kFields, name, &Field::name);
  if (field == kFields.end()) return fail(ErrorKind::malformed, "a field that is not known");
  evidence.*field->bytes = TRY(read_bytes(value, name));
  return {};
}

}  // namespace

Result<QuoteEvidence> parse_evidence(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kEvidenceBytesMax));
  if (!value.is_object()) return fail(ErrorKind::malformed, "not a JSON object");
  QuoteEvidence evidence;
  for (const auto& [name, entry] : value.get_object()) {
    TRY(read_field({name.data(), name.size()}, entry, evidence));
  }
  for (const std::string_view name : {"version", "quote", "signature", "pcrs"}) {
    if (!value.get_object().contains({name.data(), name.size()})) {
      return fail(ErrorKind::malformed, "{} is missing", name);
    }
  }
  return evidence;
}

std::string serialize(const QuoteEvidence& evidence) {
  json::object object;
  object["version"] = kVersion;
  for (const Field& field : kFields) {
    const std::vector<uint8_t>& bytes = evidence.*field.bytes;
    if (!bytes.empty()) object[field.name] = base64_of(bytes, Base64::url);
  }
  if (!evidence.systemd_log.empty()) {
    object["systemd_log"] = base64_of(as_bytes(evidence.systemd_log), Base64::url);
  }
  json::object banks;
  for (const auto& [algorithm, values] : evidence.pcrs) {
    json::object bank;
    for (const auto& [pcr, value] : values) bank[std::to_string(pcr)] = hex_of(value);
    banks[event_log::algorithm_name(algorithm)] = std::move(bank);
  }
  object["pcrs"] = std::move(banks);
  return json::serialize(object);
}

}  // namespace sotto::attest::tpm
