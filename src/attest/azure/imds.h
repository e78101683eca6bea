// The attested document of Azure's instance metadata service: which instance this is, by Azure's word.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"

namespace sotto::attest::azure {

inline constexpr size_t kImdsNonceBytesMax = 32;

struct ImdsOptions {
  std::optional<std::string> nonce;  // as it was sent with the request
};

// Collateral: imds_intermediates.pem, certificates between the signer's and the root that the document does
// not hold (its AIA names them).
inline constexpr std::string_view kImdsIntermediates = "imds_intermediates.pem";

// Evidence of kind azure_imds_document: PKCS#7 signed data in DER, or its base64 text. It is no
// evidence of a TEE, only of an instance's identity, and its claims' platform is "azure-instance": notes
// vm_id, subscription_id, sku. Rules, in their order:
//   imds-signature  bad_signature, malformed
//   imds-signer     identity_mismatch: its certificate is for metadata.azure.com, another cloud's, or below
//   imds-chain      untrusted_root, expired, …: to Vendor::microsoft_tls at `time`
//   imds-document   malformed
//   imds-nonce      binding_mismatch
//   imds-lifetime   expired, not_yet_valid: by the document's own createdOn and expiresOn
Verified<Claims> verify_imds(Bytes document, const ImdsOptions& options,
                             const Collateral& collateral, const Roots& roots, int64_t time);

// "04/19/22 07:27:21 -0000" in Unix seconds; `malformed` for any other form.
Result<int64_t> parse_imds_time(std::string_view text);

// {"encoding": "pkcs7", "signature": base64} as IMDS answers GET /metadata/attested/document: the document in
// DER, with a signature that is checked by verify_imds() alone. `malformed` for anything else.
Result<std::vector<uint8_t>> parse_imds_answer(std::string_view json);

// IMDS takes ten digits: SHA-256("sotto-imds-v1" ‖ the vTPM's quote as tpm_quote.json), its first eight bytes
// as a big-endian number modulo 10^10. So few tell one quote's document from another's; they are no proof.
std::string imds_nonce_of(Bytes tpm_quote);

}  // namespace sotto::attest::azure
