// Signatures of every algorithm, headers that are refused, and keys in all their forms.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/jws.h"

#include <gtest/gtest.h>

#include "attest/token/keys.h"
#include "attest/token/token_for_testing.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::token {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyPair;
using crypto::KeyType;
using crypto::SignatureScheme;

std::string reason(const auto& result) {
  return result ? "ok" : "!" + std::string(to_string(result.error().reason));
}

struct Algorithm {
  const char* name;
  KeyType key;
  SignatureScheme scheme;
  HashAlgorithm hash;
};

const Algorithm kAlgorithms[] = {
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
};

const KeyPair& signer_of(KeyType type) {
  static const KeyPair rsa(KeyType::rsa);
  static const KeyPair p256(KeyType::ec_p256);
  static const KeyPair p384(KeyType::ec_p384);
  static const KeyPair p521(KeyType::ec_p521);
  static const KeyPair ed25519(KeyType::ed25519);
  switch (type) {
    case KeyType::rsa:
      return rsa;
    case KeyType::ec_p256:
      return p256;
    case KeyType::ec_p384:
      return p384;
    case KeyType::ec_p521:
      return p521;
    case KeyType::ed25519:
      return ed25519;
  }
  return rsa;
}

std::string header_of(std::string_view algorithm, std::string_view more = "") {
  return R"({"alg":")" + std::string(algorithm) + "\"" + std::string(more) + "}";
}

TEST(Jws, verifies_each_algorithm_and_takes_none_for_another) {
  for (const Algorithm& made : kAlgorithms) {
    const KeyPair& signer = signer_of(made.key);
    for (const Algorithm& claimed : kAlgorithms) {
      SCOPED_TRACE(std::string(made.name) + " as " + claimed.name);
      const std::string token =
          make_token(header_of(claimed.name), "{}", signer, made.scheme, made.hash);
      const auto jws = parse_jws(token);
      ASSERT_TRUE(jws);
      EXPECT_EQ(to_string(jws->algorithm), claimed.name);
      const std::string expected = made.name == claimed.name ? "ok"
                                   : made.key == claimed.key ? "!bad-signature"
                                                             : "!unsupported";
      EXPECT_EQ(reason(verify_jws(*jws, signer.public_key())), expected);
    }
  }
}

// [RFC7515 §A.3]: a published ES256 token and its key.
TEST(Jws, verifies_the_published_example) {
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
      "NvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApm"
      "WQxfKTUJqPP3-Kg6NU1Q";
  const std::string jwk =
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
  const auto keys = parse_token_keys(as_bytes(jwk));
  ASSERT_TRUE(keys) << keys.error().message;
  const auto jws = parse_jws(token);
  ASSERT_TRUE(jws);
  EXPECT_TRUE(verify_jws(*jws, keys->front().key));
}

TEST(Jws, refuses_headers_that_say_less_or_more_than_a_signature) {
  const KeyPair& signer = signer_of(KeyType::ec_p384);
  const struct {
    std::string header;
    const char* outcome;
  } kRows[] = {
      {R"({"alg":"none"})", "!unsigned-evidence"},
      {R"({"alg":"None"})", "!unsupported"},
      {R"({"alg":"HS256"})", "!unsupported"},
      {R"({"alg":"HS384"})", "!unsupported"},
      {R"({"alg":"ES256K"})", "!unsupported"},
      {R"({"alg":"RSA-OAEP","enc":"A128GCM"})", "!unsupported"},
      {R"({})", "!malformed"},
      {R"([])", "!malformed"},
      {R"({"alg":384})", "!malformed"},
      {R"({"alg":"ES384","alg":"ES384"})", "!malformed"},
      {R"({"alg":"ES384","crit":["exp"]})", "!unsupported"},
      {R"({"alg":"ES384","b64":false})", "!unsupported"},
      {R"({"alg":"ES384","zip":"DEF"})", "!unsupported"},
      {R"({"alg":"ES384","kid":7})", "!malformed"},
      {R"({"alg":"ES384","kid":")" + std::string(513, 'k') + "\"}", "!malformed"},
      {R"({"alg":"ES384","x5c":[]})", "!malformed"},
      {R"({"alg":"ES384","x5c":"MII"})", "!malformed"},
      {R"({"alg":"ES384","x5c":["MII"]})", "!malformed"},
      {R"({"alg":"ES384","a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,)"
       R"("m":1,"n":1,"o":1,"p":1})",
       "!malformed"},
      {R"({"alg":"ES384","jku":"https://attacker.example/keys","jwk":{"kty":"oct","k":"AA"}})",
       "ok"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(reason(parse_jws(make_token(row.header, "{}", signer))), row.outcome) << row.header;
  }
}

TEST(Jws, refuses_what_is_not_three_parts_of_base64url) {
  const std::string good = make_token(header_of("ES384"), "{}", signer_of(KeyType::ec_p384));
  ASSERT_EQ(reason(parse_jws(good)), "ok");
  const std::string signing_input = good.substr(0, good.rfind('.'));
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), signing_input, signing_input + ".",
        good + ".", good + "=", good + "\n", " " + good, good + "AA.AA", "=" + good,
        std::string(kTokenBytesMax + 1, 'A')}) {
    EXPECT_EQ(reason(parse_jws(bad)), "!malformed") << bad.substr(0, 40);
  }
  // The last digit of 96 bytes has no spare bits, that of 97 would.
  EXPECT_EQ(reason(parse_jws(good + "B")), "!malformed");
}

TEST(TokenKeys, reads_each_form) {
  const crypto::PublicKey& p384 = signer_of(KeyType::ec_p384).public_key();
  const std::string jwk = p384_jwk(p384, R"(,"kid":"a","alg":"ES384","use":"sig")");
  const auto one = parse_token_keys(as_bytes(jwk));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->front().key, p384);
  EXPECT_EQ(one->front().key_id, "a");
  EXPECT_EQ(one->front().algorithm, JwsAlgorithm::es384);

  const std::string set =
      R"({"keys":[)" + jwk + R"(,{"kty":"EC","crv":"P-999","x":"AA"},)" + R"({"kty":"new"}]})";
  const auto keys = parse_token_keys(as_bytes(set));
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->size(), 1U) << "keys that are not known are left out";

  std::string wrapped;
  const std::string body = base64_of(p384.spki(), Base64::standard);
  for (size_t i = 0; i < body.size(); i += 64) wrapped += body.substr(i, 64) + "\n";
  const auto from_pem = parse_token_keys(
      as_bytes("-----BEGIN PUBLIC KEY-----\n" + wrapped + "-----END PUBLIC KEY-----\n"));
  ASSERT_TRUE(from_pem) << from_pem.error().message;
  EXPECT_EQ(from_pem->front().key, p384);

  const crypto::Certificate certificate =
      crypto::issue_certificate({.common_name = "key", .not_before = 0, .not_after = 1000}, p384,
                                nullptr, signer_of(KeyType::ec_p384));
  const auto from_certificate = parse_token_keys(as_bytes(crypto::pem_of({certificate})));
  ASSERT_TRUE(from_certificate) << from_certificate.error().message;
  EXPECT_EQ(from_certificate->front().certificates.size(), 1U);
  const std::string x5c = R"({"kty":"EC","crv":"P-384","x5c":[")" +
                          base64_of(certificate.der(), Base64::standard) + R"("]})";
  EXPECT_FALSE(parse_token_keys(as_bytes(x5c))) << "EC keys have their x and y";
}

TEST(TokenKeys, refuses_secrets_contradictions_and_emptiness) {
  const crypto::PublicKey& p384 = signer_of(KeyType::ec_p384).public_key();
  const KeyPair other(KeyType::ec_p384);
  const crypto::Certificate certificate =
      crypto::issue_certificate({.common_name = "key", .not_before = 0, .not_after = 1000},
                                other.public_key(), nullptr, other);
  const std::string x5c = R"(,"x5c":[")" + base64_of(certificate.der(), Base64::standard) + "\"]";
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[]"), std::string(R"({"keys":[]})"),
        std::string(R"({"keys":{}})"), std::string(R"({"keys":[7]})"),
        std::string(R"({"kty":"oct","k":"AAAA"})"), std::string(R"({"kty":"RSA"})"),
        std::string(R"({"keys":[{"kty":"oct","k":"AAAA"}]})"), p384_jwk(p384, R"(,"d":"AA")"),
        p384_jwk(p384, R"(,"use":"enc")"), p384_jwk(p384, R"(,"alg":"RS256")"),
        p384_jwk(p384, R"(,"kid":7)"), p384_jwk(p384, x5c),
        std::string(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"),
        std::string(R"({"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA"})")}) {
    EXPECT_FALSE(parse_token_keys(as_bytes(bad))) << bad.substr(0, 60);
  }
}

}  // namespace
}  // namespace sotto::attest::token
