// Verifying an attestation document of AWS Nitro Enclaves or NitroTPM: its chain, its signature and its
// time [NITRO-DOC §3].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "attest/claims.h"
#include "attest/nitro/document.h"
#include "attest/roots.h"
#include "attest/verify_error.h"

namespace sotto::attest::nitro {

// Clocks of hypervisor and asker may differ by this much.
inline constexpr int64_t kClockSkewSeconds = 300;

// Pure. The document brings its whole chain, and the leaf lives three hours, so the chain is checked at
// the document's own time; `time` (Unix seconds) only refuses documents from the future. How old one
// may be is for the policy, by `issued_at`, and for the nonce: a document alone does not show that it
// is fresh. No revocation list is read: AWS's instructions leave them out [NITRO-DOC §3.2.3].
//
// Claims: "pcr0" to "pcr31" and platform "aws-nitro" for an enclave, "nitrotpm_pcr0" … and
// "aws-nitrotpm" for a NitroTPM, which protects no memory; `report_data` is user_data. An enclave with
// PCR0, PCR1 or PCR2 all zeros runs in debug mode, and says so by the flag `debug`.
//
// Rules, in this order: document-format, issued-at, aws-chain, cabundle, leaf-usage, document-signature,
// image-pcrs (of an enclave). Bytes behind the document are ignored.
Verified<Claims> verify_nitro_document(Bytes evidence, const Roots& roots, int64_t time);
// The same for a document that is parsed already.
Verified<Claims> verify(const DocumentUnverified& document, const Roots& roots, int64_t time);

}  // namespace sotto::attest::nitro
