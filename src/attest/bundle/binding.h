// How evidence names the node's statement and the asker's nonce [attestation §3].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"

namespace sotto::attest {

// SHA-512("sotto-binding-v1" ‖ u32be(nonce's length) ‖ nonce ‖ statement): report data of TDX and
// SEV-SNP, user data of Nitro. The statement is the exact bytes that travelled.
crypto::Sha512Digest binding_of(Bytes nonce, Bytes statement);

// A TPM's qualifying data has 32 bytes of room that every TPM grants: SHA-256 of the binding.
crypto::Sha256Digest qualifying_data_of(const crypto::Sha512Digest& binding);

// A GPU takes 32 bytes: SHA-256("sotto-gpu-v1" ‖ SHA-256(CPU's evidence) ‖ binding). It ties the GPU's
// report to one TEE's answer; it does not prove the bus between them.
crypto::Sha256Digest gpu_nonce_of(Bytes cpu_evidence, const crypto::Sha512Digest& binding);

}  // namespace sotto::attest
