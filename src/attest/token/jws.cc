// Parsing compact JWS and checking their signatures.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/jws.h"

#include <array>

#include "attest/json/strict_json.h"
#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;
using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;

struct AlgorithmRow {
  std::string_view name;
  KeyType key;
  SignatureScheme scheme;
  HashAlgorithm hash;
};

// In the order of JwsAlgorithm.
constexpr std::array<AlgorithmRow, 10> kAlgorithms = {{
    {"RS256", KeyType::rsa, SignatureScheme::rsa_pkcs1, HashAlgorithm::sha256},
    {"RS384", KeyType::rsa, SignatureScheme::rsa_pkcs1, HashAlgorithm::sha384},
    {"RS512", KeyType::rsa, SignatureScheme::rsa_pkcs1, HashAlgorithm::sha512},
    {"PS256", KeyType::rsa, SignatureScheme::rsa_pss, HashAlgorithm::sha256},
    {"PS384", KeyType::rsa, SignatureScheme::rsa_pss, HashAlgorithm::sha384},
    {"PS512", KeyType::rsa, SignatureScheme::rsa_pss, HashAlgorithm::sha512},
    {"ES256", KeyType::ec_p256, SignatureScheme::ecdsa_raw, HashAlgorithm::sha256},
    {"ES384", KeyType::ec_p384, SignatureScheme::ecdsa_raw, HashAlgorithm::sha384},
    {"ES512", KeyType::ec_p521, SignatureScheme::ecdsa_raw, HashAlgorithm::sha512},
    {"EdDSA", KeyType::ed25519, SignatureScheme::ed25519, HashAlgorithm::sha512},
}};

const AlgorithmRow& row_of(JwsAlgorithm algorithm) {
  return kAlgorithms[static_cast<size_t>(algorithm)];
}

Verified<std::vector<uint8_t>> decode(std::string_view part, std::string_view name,
                                      uint64_t bytes_max) {
  if (part.empty() || part.find('=') != std::string_view::npos) {
    return refuse(Reason::malformed, "the token's {} is empty or padded", name);
  }
  std::vector<uint8_t> bytes = TRY(lift(name, bytes_of_base64(part, Base64::url)));
  if (bytes.size() > bytes_max) {
    return refuse(Reason::malformed, "the token's {} has {} bytes, the limit is {}", name,
                  bytes.size(), bytes_max);
  }
  return bytes;
}

Verified<JwsAlgorithm> read_algorithm(const json::object& header) {
  const std::string_view name = TRY(lift("token", json_string(header, "alg", "header")));
  if (name == "none") {
    return refuse(Reason::unsigned_evidence, "the token is not signed: its algorithm is none");
  }
  const std::optional<JwsAlgorithm> algorithm = jws_algorithm(name);
  if (!algorithm) {
    return refuse(Reason::unsupported, "the token's algorithm \"{}\" is not accepted",
                  name.substr(0, 32));
  }
  return *algorithm;
}

Verified<std::optional<std::string>> read_text(const json::object& header, std::string_view name) {
  if (!header.contains({name.data(), name.size()})) return std::optional<std::string>();
  const std::string_view text = TRY(lift("token", json_string(header, name, "header")));
  if (text.size() > kKeyIdBytesMax) {
    return refuse(Reason::malformed, "the token's {} has {} bytes, the limit is {}", name,
                  text.size(), kKeyIdBytesMax);
  }
  return std::optional<std::string>(text);
}

Verified<std::vector<crypto::Certificate>> read_certificates(const json::object& header) {
  std::vector<crypto::Certificate> certificates;
  const json::value* value = header.if_contains("x5c");
  if (value == nullptr) return certificates;
  const json::array* list = value->if_array();
  if (list == nullptr || list->empty() || list->size() > kHeaderChainMax) {
    return refuse(Reason::malformed, "the token's x5c is no list of 1 to {} certificates",
                  kHeaderChainMax);
  }
  for (const json::value& item : *list) {
    if (!item.is_string()) return refuse(Reason::malformed, "the token's x5c is no list of text");
    const json::string& text = item.get_string();
    const std::vector<uint8_t> der =
        TRY(lift("x5c", bytes_of_base64({text.data(), text.size()}, Base64::standard)));
    certificates.push_back(TRY(lift("x5c", crypto::Certificate::from_der(der))));
  }
  return certificates;
}

Verified<void> read_header(Bytes bytes, JwsUnverified& jws) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const json::value value = TRY(lift("token header", parse_strict_json(text, kHeaderBytesMax)));
  const json::object* header = value.if_object();
  if (header == nullptr || header->size() > kHeaderMembersMax) {
    return refuse(Reason::malformed, "the token's header is no object of up to {} members",
                  kHeaderMembersMax);
  }
  for (const char* name : {"crit", "b64", "zip", "enc"}) {
    if (header->contains(name)) {
      return refuse(Reason::unsupported, "the token's header has \"{}\"", name);
    }
  }
  jws.algorithm = TRY(read_algorithm(*header));
  jws.key_id = TRY(read_text(*header, "kid"));
  jws.key_url = TRY(read_text(*header, "jku"));
  jws.certificates = TRY(read_certificates(*header));
  return {};
}

}  // namespace

std::string_view to_string(JwsAlgorithm algorithm) {
  return row_of(algorithm).name;
}

std::optional<JwsAlgorithm> jws_algorithm(std::string_view name) {
  for (size_t i = 0; i < kAlgorithms.size(); ++i) {
    if (kAlgorithms[i].name == name) return static_cast<JwsAlgorithm>(i);
  }
  return std::nullopt;
}

bool fits(JwsAlgorithm algorithm, KeyType type) {
  return row_of(algorithm).key == type;
}

Verified<JwsUnverified> parse_jws(std::string_view compact) {
  if (compact.size() > kTokenBytesMax) {
    return refuse(Reason::malformed, "a token of {} bytes, the limit is {}", compact.size(),
                  kTokenBytesMax);
  }
  const size_t first = compact.find('.');
  const size_t second = first == compact.npos ? first : compact.find('.', first + 1);
  if (second == compact.npos || compact.find('.', second + 1) != compact.npos) {
    return refuse(Reason::malformed, "a token has three parts with dots between");
  }
  JwsUnverified jws;
  const std::vector<uint8_t> header =
      TRY(decode(compact.substr(0, first), "header", kHeaderBytesMax));
  TRY(read_header(header, jws));
  jws.payload =
      TRY(decode(compact.substr(first + 1, second - first - 1), "payload", kPayloadBytesMax));
  jws.signature = TRY(decode(compact.substr(second + 1), "signature", crypto::kRsaBitsMax / 8));
  jws.signing_input = compact.substr(0, second);
  return jws;
}

Verified<void> verify_jws(const JwsUnverified& jws, const crypto::PublicKey& key) {
  const AlgorithmRow& row = row_of(jws.algorithm);
  if (!fits(jws.algorithm, key.type())) {
    return refuse(Reason::unsupported, "{} cannot be made with a key of type {}", row.name,
                  crypto::to_string(key.type()));
  }
  const Result<void> verified = crypto::verify_signature(
      key, row.scheme, row.hash, as_bytes(jws.signing_input), jws.signature);
  if (!verified) {
    return refuse(Reason::bad_signature, "token signature: {}", verified.error().message);
  }
  return {};
}

}  // namespace sotto::attest::token
