// Boost.JSON, with bounds; its exceptions cannot happen with error codes and typed looks.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/runtime_json.h"

#include <algorithm>
#include <boost/json/value.hpp>

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"

namespace sotto::attest::azure {
namespace {

namespace json = boost::json;

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

Result<tpm::RsaKey> read_key(const json::object& jwk) {
  if (text_of(jwk, "kty") != "RSA") {
    return fail(ErrorKind::unsupported, "the attestation key is not an RSA key");
  }
  const std::vector<uint8_t> modulus = TRY(bytes_of_base64(text_of(jwk, "n"), Base64::url));
  const std::vector<uint8_t> exponent = TRY(bytes_of_base64(text_of(jwk, "e"), Base64::url));
  if (modulus.size() < 256 || modulus.size() > tpm::kRsaBytesMax) {
    return fail(ErrorKind::malformed, "the attestation key's modulus has {} bytes, not 256 to {}",
                modulus.size(), tpm::kRsaBytesMax);
  }
  if (exponent.empty() || exponent.size() > 4) {
    return fail(ErrorKind::malformed, "the attestation key's exponent has {} bytes, not 1 to 4",
                exponent.size());
  }
  tpm::RsaKey key;
  key.modulus = modulus;
  for (const uint8_t byte : exponent) key.exponent = key.exponent << 8 | byte;
  return key;
}

Result<tpm::RsaKey> read_attestation_key(const json::object& root) {
  const json::value* keys = root.if_contains("keys");
  if (keys == nullptr || !keys->is_array()) return fail(ErrorKind::malformed, "keys are missing");
  const json::object* found = nullptr;
  for (const json::value& key : keys->get_array()) {
    if (!key.is_object() || text_of(key.get_object(), "kid") != "HCLAkPub") continue;
    if (found != nullptr) return fail(ErrorKind::malformed, "HCLAkPub is there twice");
    found = &key.get_object();
  }
  if (found == nullptr) return fail(ErrorKind::malformed, "the key HCLAkPub is missing");
  return read_key(*found);
}

Result<Told> told(const json::object& configuration, std::string_view name) {
  const json::value* value = configuration.if_contains(name);
  if (value == nullptr) return Told::untold;
  if (!value->is_bool()) return fail(ErrorKind::malformed, "{} is not a boolean", name);
  return value->get_bool() ? Told::yes : Told::no;
}

Result<std::array<uint8_t, kUserDataBytes>> read_user_data(const json::value& value) {
  if (!value.is_string()) return fail(ErrorKind::malformed, "user-data is not a string");
  const json::string& text = value.get_string();
  const std::vector<uint8_t> bytes = TRY(bytes_of_hex({text.data(), text.size()}));
  std::array<uint8_t, kUserDataBytes> data{};
  if (bytes.size() != data.size()) {
    return fail(ErrorKind::malformed, "user-data has {} bytes, not {}", bytes.size(), data.size());
  }
  std::ranges::copy(bytes, data.begin());
  return data;
}

}  // namespace

Result<RuntimeData> parse_runtime_json(Bytes bytes) {
  const json::value value = TRY(parse_strict_json(as_text(bytes), bytes.size()));
  if (!value.is_object()) return fail(ErrorKind::malformed, "not a JSON object");
  const json::object& root = value.get_object();
  RuntimeData data;
  data.attestation_key = TRY(read_attestation_key(root));
  const json::value* configuration = root.if_contains("vm-configuration");
  if (configuration != nullptr) {
    if (!configuration->is_object()) {
      return fail(ErrorKind::malformed, "vm-configuration is not an object");
    }
    const json::object& object = configuration->get_object();
    data.secure_boot = TRY(told(object, "secure-boot"));
    data.tpm_enabled = TRY(told(object, "tpm-enabled"));
    data.console_enabled = TRY(told(object, "console-enabled"));
    data.vm_unique_id = text_of(object, "vmUniqueId");
  }
  if (const json::value* user_data = root.if_contains("user-data")) {
    data.user_data = TRY(read_user_data(*user_data));
  }
  return data;
}

}  // namespace sotto::attest::azure
