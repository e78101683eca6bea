// Hashing statements and nonces.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/binding.h"

namespace sotto::attest {

crypto::Sha512Digest binding_of(Bytes nonce, Bytes statement) {
  ByteWriter writer;
  writer.append("sotto-binding-v1");
  const auto length = static_cast<uint32_t>(nonce.size());
  for (int shift = 24; shift >= 0; shift -= 8) writer.write(static_cast<uint8_t>(length >> shift));
  writer.append(nonce);
  writer.append(statement);
  return crypto::sha512(writer.bytes());
}

crypto::Sha256Digest qualifying_data_of(const crypto::Sha512Digest& binding) {
  return crypto::sha256(binding);
}

crypto::Sha256Digest gpu_nonce_of(Bytes cpu_evidence, const crypto::Sha512Digest& binding) {
  ByteWriter writer;
  writer.append("sotto-gpu-v1");
  writer.append(crypto::sha256(cpu_evidence));
  writer.append(binding);
  return crypto::sha256(writer.bytes());
}

}  // namespace sotto::attest
