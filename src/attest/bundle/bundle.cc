// Reading and writing bundles.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/bundle.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "attest/json/strict_json.h"
#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

namespace json = boost::json;

constexpr int64_t kVersion = 1;

Result<std::vector<uint8_t>> bytes_of(const json::object& object, std::string_view name,
                                      std::string_view where) {
  const std::string_view text = TRY(json_string(object, name, where));
  Result<std::vector<uint8_t>> bytes = bytes_of_base64(text, Base64::url);
  if (!bytes) return fail(ErrorKind::malformed, "{}: {} is no base64url", where, name);
  return bytes;
}

Result<const json::array*> list_of(const json::object& object, std::string_view name, size_t max) {
  const json::value* value = TRY(json_member(object, name, "bundle"));
  if (!value->is_array()) return fail(ErrorKind::malformed, "bundle: {} is no list", name);
  const json::array& array = value->get_array();
  if (array.size() > max) {
    return fail(ErrorKind::exhausted, "bundle: {} of {}; at most {}", name, array.size(), max);
  }
  return &array;
}

Result<Collateral> collateral_of(const json::object& object) {
  Collateral collateral;
  for (const auto& [name, value] : object) {
    TRY(collateral.add(std::string(name), TRY(bytes_of(object, name, "collateral"))));
  }
  return collateral;
}

Result<BundledEvidence> evidence_of(const json::value& value) {
  constexpr std::string_view kWhere = "bundle: evidence";
  if (!value.is_object()) return fail(ErrorKind::malformed, "{} is no object", kWhere);
  const json::object& object = value.get_object();
  const std::string_view name = TRY(json_string(object, "kind", kWhere));
  const std::optional<EvidenceKind> kind = evidence_kind(name);
  if (!kind) return fail(ErrorKind::unsupported, "{} of an unknown kind", kWhere);
  BundledEvidence evidence;
  evidence.kind = *kind;
  evidence.data = TRY(bytes_of(object, "data", kWhere));
  const bool has_own = object.contains("collateral");
  if (has_own) {
    evidence.collateral = TRY(collateral_of(*TRY(json_object(object, "collateral", kWhere))));
  }
  if (object.size() != (has_own ? 3u : 2u)) {
    return fail(ErrorKind::malformed, "{}: a member that version {} does not have", kWhere,
                kVersion);
  }
  return evidence;
}

Result<BundledLog> log_of(const json::value& value) {
  constexpr std::string_view kWhere = "bundle: an event log";
  if (!value.is_object()) return fail(ErrorKind::malformed, "{} is no object", kWhere);
  const json::object& object = value.get_object();
  BundledLog log;
  log.kind = std::string(TRY(json_string(object, "kind", kWhere)));
  log.data = TRY(bytes_of(object, "data", kWhere));
  if (object.size() != 2) {
    return fail(ErrorKind::malformed, "{}: a member that version {} does not have", kWhere,
                kVersion);
  }
  return log;
}

Result<void> check_members(const json::object& object) {
  constexpr std::string_view kOwn[] = {"version",  "statement",  "nonce",
                                       "evidence", "collateral", "event_logs"};
  for (const auto& [name, value] : object) {
    const std::string_view text = name;
    const bool known = std::find(std::begin(kOwn), std::end(kOwn), text) != std::end(kOwn) ||
                       std::find(std::begin(kHints), std::end(kHints), text) != std::end(kHints);
    if (!known) {
      return fail(ErrorKind::malformed, "bundle: a member that version {} does not have", kVersion);
    }
  }
  return {};
}

json::object object_of(const Collateral& collateral) {
  json::object object;
  for (const auto& [name, bytes] : collateral.blobs()) object[name] = base64_of(bytes, Base64::url);
  return object;
}

json::object object_of(const Bundle& bundle) {
  json::object object;
  object["version"] = kVersion;
  object["statement"] = base64_of(bundle.statement, Base64::url);
  object["nonce"] = base64_of(bundle.nonce, Base64::url);
  json::array evidence;
  for (const BundledEvidence& one : bundle.evidence) {
    json::object entry{{"kind", to_string(one.kind)}, {"data", base64_of(one.data, Base64::url)}};
    if (!one.collateral.blobs().empty()) entry["collateral"] = object_of(one.collateral);
    evidence.push_back(std::move(entry));
  }
  object["evidence"] = std::move(evidence);
  object["collateral"] = object_of(bundle.collateral);
  json::array logs;
  for (const BundledLog& log : bundle.event_logs) {
    logs.push_back({{"kind", log.kind}, {"data", base64_of(log.data, Base64::url)}});
  }
  object["event_logs"] = std::move(logs);
  return object;
}

}  // namespace

Result<Bundle> parse_bundle(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kBundleBytesMax));
  if (!value.is_object()) return fail(ErrorKind::malformed, "bundle: no JSON object");
  const json::object& object = value.get_object();
  if (const int64_t version = TRY(json_integer(object, "version", "bundle")); version != kVersion) {
    return fail(ErrorKind::unsupported, "bundle: version {}; this program knows {}", version,
                kVersion);
  }
  TRY(check_members(object));
  Bundle bundle;
  bundle.statement = TRY(bytes_of(object, "statement", "bundle"));
  bundle.nonce = TRY(bytes_of(object, "nonce", "bundle"));
  const size_t size = bundle.nonce.size();
  if (size != 0 && (size < kNonceBytesMin || size > kNonceBytesMax)) {
    return fail(ErrorKind::malformed, "bundle: a nonce of {} bytes; {} to {}", size, kNonceBytesMin,
                kNonceBytesMax);
  }
  const json::array* evidence = TRY(list_of(object, "evidence", kBundleEvidenceMax));
  for (const json::value& one : *evidence) bundle.evidence.push_back(TRY(evidence_of(one)));
  bundle.collateral = TRY(collateral_of(*TRY(json_object(object, "collateral", "bundle"))));
  const json::array* logs = TRY(list_of(object, "event_logs", kBundleLogsMax));
  for (const json::value& one : *logs) bundle.event_logs.push_back(TRY(log_of(one)));
  return bundle;
}

std::string serialize(const Bundle& bundle) {
  return json::serialize(object_of(bundle));
}

std::string serialize(const Bundle& bundle, std::string_view hints) {
  json::object object = object_of(bundle);
  const json::value more = json::parse(json::string_view(hints.data(), hints.size()));
  CHECK(more.is_object());  // it is our own
  for (const auto& [name, value] : more.get_object()) object[name] = value;
  return json::serialize(object);
}

std::string serialize(const Collateral& collateral) {
  return json::serialize(object_of(collateral));
}

Result<Collateral> parse_collateral(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kBundleBytesMax));
  if (!value.is_object()) return fail(ErrorKind::malformed, "collateral: no JSON object");
  return collateral_of(value.get_object());
}

}  // namespace sotto::attest
