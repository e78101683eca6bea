// Only asymmetric signing keys are taken apart; whatever else a TPM knows is refused by name.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/public_key.h"

#include "attest/event_log/algorithms.h"
#include "attest/tpm/wire.h"

namespace sotto::attest::tpm {
namespace {

constexpr uint16_t kTypeRsa = 0x0001, kTypeEcc = 0x0023, kNull = 0x0010;
constexpr uint16_t kCurveP256 = 3, kCurveP521 = 5;
constexpr uint32_t kExponentDefault = 65'537;
constexpr uint16_t kPolicyBytesMax = 64;

std::vector<uint8_t> copy(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

Result<Scheme> to_scheme(uint16_t number) {
  switch (static_cast<Scheme>(number)) {
    case Scheme::null:
    case Scheme::rsassa:
    case Scheme::rsapss:
    case Scheme::ecdsa:
      return static_cast<Scheme>(number);
  }
  return fail(ErrorKind::unsupported, "the signing scheme {:#06x} is not supported", number);
}

// A restricted signing key has no symmetric algorithm; one that has decrypts.
Result<void> expect_null(WireReader& in, std::string_view field) {
  const uint16_t algorithm = TRY(in.read<uint16_t>(field));
  if (algorithm == kNull) return {};
  return fail(ErrorKind::unsupported, "the key's {} is {:#06x}: it is no signing key", field,
              algorithm);
}

Result<void> read_scheme(WireReader& in, PublicArea& area) {
  area.scheme = TRY(to_scheme(TRY(in.read<uint16_t>("scheme"))));
  if (area.scheme != Scheme::null) area.scheme_hash = TRY(in.read<uint16_t>("scheme's hash"));
  return {};
}

Result<RsaKey> read_rsa(WireReader& in, PublicArea& area) {
  TRY(expect_null(in, "symmetric algorithm"));
  TRY(read_scheme(in, area));
  if (area.scheme == Scheme::ecdsa) {
    return fail(ErrorKind::malformed, "an RSA key with the scheme ECDSA");
  }
  const uint16_t bits = TRY(in.read<uint16_t>("key bits"));
  RsaKey key;
  key.exponent = TRY(in.read<uint32_t>("exponent"));
  if (key.exponent == 0) key.exponent = kExponentDefault;
  key.modulus = copy(TRY(in.sized(kRsaBytesMax, "modulus")));
  if (key.modulus.size() * 8 != bits || bits < 2048) {
    return fail(ErrorKind::malformed, "an RSA key of {} bits with a modulus of {} bytes", bits,
                key.modulus.size());
  }
  return key;
}

Result<EccKey> read_ecc(WireReader& in, PublicArea& area) {
  TRY(expect_null(in, "symmetric algorithm"));
  TRY(read_scheme(in, area));
  if (area.scheme == Scheme::rsassa || area.scheme == Scheme::rsapss) {
    return fail(ErrorKind::malformed, "an elliptic-curve key with an RSA scheme");
  }
  EccKey key;
  key.curve = TRY(in.read<uint16_t>("curve"));
  if (key.curve < kCurveP256 || key.curve > kCurveP521) {
    return fail(ErrorKind::unsupported, "curve {:#06x} is not P-256, P-384 or P-521", key.curve);
  }
  TRY(expect_null(in, "key derivation"));
  key.x = copy(TRY(in.sized(kEccBytesMax, "x")));
  key.y = copy(TRY(in.sized(kEccBytesMax, "y")));
  return key;
}

}  // namespace

Result<PublicArea> parse_public(Bytes bytes) {
  if (bytes.size() > kPublicBytesMax) {
    return fail(ErrorKind::exhausted, "a public area of {} bytes, more than {}", bytes.size(),
                kPublicBytesMax);
  }
  // A TPM2B's size is never one of the two types' numbers, both being shorter than any public area.
  WireReader sized(bytes);
  const uint16_t first = TRY(sized.read<uint16_t>("type"));
  if (first != kTypeRsa && first != kTypeEcc && first == sized.left()) bytes = bytes.subspan(2);

  WireReader in(bytes);
  PublicArea area;
  const uint16_t type = TRY(in.read<uint16_t>("type"));
  area.name_algorithm = TRY(in.read<uint16_t>("name algorithm"));
  area.attributes = TRY(in.read<uint32_t>("attributes"));
  TRY(in.sized(kPolicyBytesMax, "policy"));
  if (type == kTypeRsa) {
    area.key = TRY(read_rsa(in, area));
  } else if (type == kTypeEcc) {
    area.key = TRY(read_ecc(in, area));
  } else {
    return fail(ErrorKind::unsupported, "a public area of type {:#06x}, not RSA or elliptic curve",
                type);
  }
  TRY(in.expect_end("public area"));
  area.area = copy(bytes);
  return area;
}

Result<std::vector<uint8_t>> name_of(const PublicArea& key) {
  WireWriter name;
  name.write(key.name_algorithm);
  name.append(TRY(event_log::hash(key.name_algorithm, {key.area})));
  return name.release();
}

Result<std::vector<uint8_t>> qualified_name_of(const PublicArea& key, uint32_t hierarchy) {
  WireWriter handle;
  handle.write(hierarchy);
  const std::vector<uint8_t> parent = handle.release();
  WireWriter name;
  name.write(key.name_algorithm);
  name.append(TRY(event_log::hash(key.name_algorithm, {parent, TRY(name_of(key))})));
  return name.release();
}

Result<void> check_attestation_key(const PublicArea& key) {
  struct Wanted {
    uint32_t bit;
    bool set;
    std::string_view name;
  };
  constexpr Wanted kWanted[] = {
      {kRestricted, true, "restricted"},   {kSign, true, "sign"},
      {kDecrypt, false, "decrypt"},        {kFixedTpm, true, "fixedTPM"},
      {kFixedParent, true, "fixedParent"}, {kSensitiveDataOrigin, true, "sensitiveDataOrigin"}};
  for (const Wanted& wanted : kWanted) {
    if (((key.attributes & wanted.bit) != 0) == wanted.set) continue;
    return fail(ErrorKind::denied, "not an attestation key: its attribute {} is {}", wanted.name,
                wanted.set ? "clear" : "set");
  }
  return {};
}

Result<SignatureUnverified> parse_signature(Bytes bytes) {
  WireReader in(bytes);
  SignatureUnverified signature;
  signature.scheme = TRY(to_scheme(TRY(in.read<uint16_t>("signature's scheme"))));
  if (signature.scheme == Scheme::null) {
    return fail(ErrorKind::malformed, "a signature without a scheme");
  }
  signature.hash = TRY(in.read<uint16_t>("signature's hash"));
  if (signature.scheme == Scheme::ecdsa) {
    signature.r = TRY(in.sized(kEccBytesMax, "r"));
    signature.s = TRY(in.sized(kEccBytesMax, "s"));
  } else {
    signature.rsa = TRY(in.sized(kRsaBytesMax, "signature"));
  }
  TRY(in.expect_end("signature"));
  return signature;
}

}  // namespace sotto::attest::tpm
