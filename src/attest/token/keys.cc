// Reading JWKs, JWK sets and PEM.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/keys.h"

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"
#include "crypto/pem.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;
using crypto::Certificate;
using crypto::KeyType;
using crypto::PublicKey;

std::string_view view_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::vector<uint8_t>> read_bytes(const json::object& jwk, std::string_view name) {
  return bytes_of_base64(TRY(json_string(jwk, name, "JWK")), Base64::url);
}

Result<std::vector<Certificate>> read_certificates(const json::object& jwk) {
  std::vector<Certificate> certificates;
  const json::value* value = jwk.if_contains("x5c");
  if (value == nullptr) return certificates;
  const json::array* list = value->if_array();
  if (list == nullptr || list->empty() || list->size() > kHeaderChainMax) {
    return fail(ErrorKind::malformed, "JWK: x5c is no list of 1 to {} certificates",
                kHeaderChainMax);
  }
  for (const json::value& item : *list) {
    if (!item.is_string()) return fail(ErrorKind::malformed, "JWK: x5c is no list of text");
    const json::string& text = item.get_string();
    certificates.push_back(TRY(
        Certificate::from_der(TRY(bytes_of_base64({text.data(), text.size()}, Base64::standard)))));
  }
  return certificates;
}

// The key by its own parameters; nothing where a JWK has only certificates.
Result<std::optional<PublicKey>> read_parameters(const json::object& jwk, std::string_view type) {
  if (type == "RSA") {
    if (!jwk.contains("n") && !jwk.contains("e")) return std::optional<PublicKey>();
    return std::optional(
        TRY(PublicKey::from_rsa(TRY(read_bytes(jwk, "n")), TRY(read_bytes(jwk, "e")))));
  }
  if (type != "EC" && type != "OKP") {
    return fail(ErrorKind::unsupported, "JWK: key type {}", type.substr(0, 32));
  }
  const std::string_view curve = TRY(json_string(jwk, "crv", "JWK"));
  if (type == "OKP") {
    if (curve != "Ed25519") return fail(ErrorKind::unsupported, "JWK: curve {}", curve);
    return std::optional(TRY(PublicKey::from_ed25519(TRY(read_bytes(jwk, "x")))));
  }
  KeyType key_type{};
  if (curve == "P-256") {
    key_type = KeyType::ec_p256;
  } else if (curve == "P-384") {
    key_type = KeyType::ec_p384;
  } else if (curve == "P-521") {
    key_type = KeyType::ec_p521;
  } else {
    return fail(ErrorKind::unsupported, "JWK: curve {}", curve);
  }
  std::vector<uint8_t> point = TRY(read_bytes(jwk, "x"));
  const std::vector<uint8_t> y = TRY(read_bytes(jwk, "y"));
  if (point.size() != y.size()) return fail(ErrorKind::malformed, "JWK: x and y differ in length");
  point.insert(point.end(), y.begin(), y.end());
  return std::optional(TRY(PublicKey::from_ec_point(key_type, point)));
}

Result<TokenKey> read_jwk(const json::object& jwk) {
  const std::string_view type = TRY(json_string(jwk, "kty", "JWK"));
  if (type == "oct" || jwk.contains("k") || jwk.contains("d") || jwk.contains("p")) {
    return fail(ErrorKind::denied, "JWK: a secret key; only public ones are taken");
  }
  if (jwk.contains("use") && TRY(json_string(jwk, "use", "JWK")) != "sig") {
    return fail(ErrorKind::unsupported, "JWK: not for signatures");
  }
  std::vector<Certificate> certificates = TRY(read_certificates(jwk));
  std::optional<PublicKey> key = TRY(read_parameters(jwk, type));
  if (!certificates.empty()) {
    const PublicKey certified = TRY(certificates.front().public_key());
    if (key && *key != certified) {
      return fail(ErrorKind::malformed, "JWK: x5c is of another key");
    }
    key = certified;
  }
  if (!key) return fail(ErrorKind::malformed, "JWK: neither a key nor a certificate");
  TokenKey token_key{*key, {}, {}, std::move(certificates)};
  if (jwk.contains("kid")) token_key.key_id = std::string(TRY(json_string(jwk, "kid", "JWK")));
  if (jwk.contains("alg")) {
    token_key.algorithm = jws_algorithm(TRY(json_string(jwk, "alg", "JWK")));
    if (!token_key.algorithm || !fits(*token_key.algorithm, key->type())) {
      return fail(ErrorKind::unsupported, "JWK: its algorithm is not one for its key");
    }
  }
  return token_key;
}

Result<std::vector<TokenKey>> read_set(const json::array& list) {
  if (list.size() > kKeysMax) {
    return fail(ErrorKind::malformed, "JWK set: {} keys, the limit is {}", list.size(), kKeysMax);
  }
  std::vector<TokenKey> keys;
  std::string left_out = "it is empty";
  for (const json::value& item : list) {
    const json::object* jwk = item.if_object();
    if (jwk == nullptr) return fail(ErrorKind::malformed, "JWK set: a key is no object");
    Result<TokenKey> key = read_jwk(*jwk);
    if (key) {
      keys.push_back(*std::move(key));
    } else if (key.error().kind == ErrorKind::unsupported) {
      left_out = key.error().message;
    } else {
      return std::unexpected(std::move(key).error());
    }
  }
  if (keys.empty()) {
    return fail(ErrorKind::unsupported, "JWK set: no key can be used: {}", left_out);
  }
  return keys;
}

Result<std::vector<TokenKey>> read_pem(Bytes bytes) {
  const std::string_view pem = view_of(bytes);
  std::vector<TokenKey> keys;
  if (pem.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos) {
    for (const std::vector<uint8_t>& spki : TRY(crypto::parse_pem(pem, "PUBLIC KEY", kKeysMax))) {
      keys.push_back({TRY(PublicKey::from_spki(spki)), {}, {}, {}});
    }
    return keys;
  }
  for (const Certificate& certificate : TRY(crypto::parse_pem_chain(pem, kKeysMax))) {
    keys.push_back({TRY(certificate.public_key()), {}, {}, {certificate}});
  }
  return keys;
}

}  // namespace

Result<std::vector<TokenKey>> parse_token_keys(Bytes bytes) {
  if (bytes.size() > kKeySetBytesMax) {
    return fail(ErrorKind::malformed, "keys of {} bytes, the limit is {}", bytes.size(),
                kKeySetBytesMax);
  }
  if (crypto::looks_like_pem(bytes)) return read_pem(bytes);
  const json::value value = TRY(parse_strict_json(view_of(bytes), kKeySetBytesMax));
  const json::object* object = value.if_object();
  if (object == nullptr) return fail(ErrorKind::malformed, "keys are neither JSON objects nor PEM");
  const json::value* list = object->if_contains("keys");
  if (list == nullptr) {
    std::vector<TokenKey> keys;
    keys.push_back(TRY(read_jwk(*object)));
    return keys;
  }
  if (!list->is_array()) return fail(ErrorKind::malformed, "JWK set: \"keys\" is no list");
  return read_set(list->get_array());
}

}  // namespace sotto::attest::token
