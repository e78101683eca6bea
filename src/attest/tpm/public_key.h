// A TPM's attestation key and its signatures: TPMT_PUBLIC and TPMT_SIGNATURE [TPM2 Part 2 §12.2, §11.3].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::tpm {

inline constexpr uint16_t kRsaBytesMax = 512;
inline constexpr uint16_t kEccBytesMax = 66;  // P-521
inline constexpr size_t kPublicBytesMax = 1024;

// TPMA_OBJECT
inline constexpr uint32_t kFixedTpm = 1 << 1, kFixedParent = 1 << 4, kSensitiveDataOrigin = 1 << 5,
                          kRestricted = 1 << 16, kDecrypt = 1 << 17, kSign = 1 << 18;

enum class Scheme : uint16_t { null = 0x0010, rsassa = 0x0014, rsapss = 0x0016, ecdsa = 0x0018 };

// Big-endian numbers, owned.
struct RsaKey {
  std::vector<uint8_t> modulus;
  uint32_t exponent = 0;
};

struct EccKey {
  uint16_t curve = 0;  // TPM_ECC_CURVE: 3, 4, 5 for P-256, P-384, P-521
  std::vector<uint8_t> x, y;
};

struct PublicArea {
  uint16_t name_algorithm = 0;
  uint32_t attributes = 0;
  Scheme scheme = Scheme::null;
  uint16_t scheme_hash = 0;  // TPM_ALG_ID; 0 with a null scheme
  std::variant<RsaKey, EccKey> key;
  std::vector<uint8_t> area;  // the TPMT_PUBLIC itself
};

// A TPMT_PUBLIC, or TPM2B_PUBLIC, which has its size in front. `unsupported` for symmetric and hashed
// objects, other schemes and curves.
Result<PublicArea> parse_public(Bytes bytes);

// The key's name: its name algorithm and the hash of its public area [TPM2 Part 1 §16].
Result<std::vector<uint8_t>> name_of(const PublicArea& key);

// Hierarchies that a primary key may be of [TPM2 Part 2 §7.4].
inline constexpr uint32_t kOwnerHierarchy = 0x40000001, kEndorsementHierarchy = 0x4000000b;

// What a quote by the key calls its signer if it is a primary key of that hierarchy: the hash of the
// hierarchy's handle and the key's name [TPM2 Part 1 §16.4].
Result<std::vector<uint8_t>> qualified_name_of(const PublicArea& key, uint32_t hierarchy);

// A key that can sign nothing but what this TPM itself generated, and that cannot leave it:
// restricted, signing, not decrypting, fixed to the TPM and its parent, made inside. `denied` names
// the attribute that is wrong.
Result<void> check_attestation_key(const PublicArea& key);

struct SignatureUnverified {
  Scheme scheme = Scheme::null;
  uint16_t hash = 0;
  Bytes rsa;   // with RSA schemes
  Bytes r, s;  // with ECDSA
};

// A TPMT_SIGNATURE; trailing bytes are an error.
Result<SignatureUnverified> parse_signature(Bytes bytes);

}  // namespace sotto::attest::tpm
