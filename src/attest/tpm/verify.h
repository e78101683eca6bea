// Checking a TPM's quote: who vouches for its key, the key's signature, the caller's data, the registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/roots.h"
#include "attest/tpm/evidence.h"
#include "attest/tpm/public_key.h"
#include "attest/verify_error.h"
#include "crypto/signature.h"

namespace sotto::attest::tpm {

// A key that somebody vouches for (a certificate, a hardware report, the caller), and how it signs.
struct AttestationKey {
  crypto::PublicKey key;
  Scheme scheme = Scheme::null;  // null: as the signature says, among those its kind of key can do
  uint16_t hash = 0;             // TPM_ALG_ID; 0 with a null scheme
};

// From a public area, which must be an attestation key's (check_attestation_key).
Result<AttestationKey> attestation_key_of(const PublicArea& area);
// A bare RSA key that signs with RSASSA and SHA-256, as Azure's vTPMs do.
Result<AttestationKey> attestation_key_of(const RsaKey& key);

// Checks the evidence's quote by that key and puts what it vouches for into the claims: measurements
// "pcr0" … of SHA-256, "pcr0.sha384" … of the other banks; report_data is the qualifying data, which must
// be `qualifying_data` where that is given. Rules, in their order:
//   tpm-quote-signature  bad_signature
//   tpm-quote            malformed, unsupported: the structure under the signature
//   tpm-qualifying-data  binding_mismatch
//   tpm-pcr-digest       measurement_mismatch; missing_collateral when a quoted register has no value
//   tpm-event-log        measurement_mismatch; only where the evidence has a log: every quoted
//                        register that its events extend has the value they make, in SHA-256 or the
//                        log's best bank that is quoted. Others are named in the note
//                        event_log_unexplained when something was extended into them.
Verified<void> check_quote(const QuoteEvidence& evidence, const AttestationKey& key,
                           std::optional<Bytes> qualifying_data, RuleList& rules, Claims& claims);

// The certificate is for this key and its path leads to one of the anchors' roots at `time`. Zeros
// after it (NV indices end in them) are ignored. Rules: tpm-key-certificate, tpm-key-chain; notes
// ak_subject (Google's names the instance) and ak_root.
Verified<void> check_key_certificate(const QuoteEvidence& evidence, const AttestationKey& key,
                                     const Anchors& anchors, int64_t time, RuleList& rules,
                                     Claims& claims);

struct QuoteOptions {
  std::optional<std::vector<uint8_t>> qualifying_data;
  // DER SubjectPublicKeyInfo of keys that the caller knows by other means; a quote by one of them
  // needs no certificate.
  std::vector<std::vector<uint8_t>> trusted_keys;
};

// Evidence of kind tpm_quote, whole. Its key is one of the trusted ones or has a certificate of
// Google's or Azure's virtual TPMs (Vendor::google_vtpm, Vendor::azure_vtpm, or what replaces them).
// Rules before those above:
//   tpm-evidence         malformed, unsupported: the JSON object of evidence.h
//   tpm-key              malformed, unsupported: its public area
//   tpm-key-attributes   identity_mismatch: not a restricted signing key of this TPM. That its public
//                        area is the key's is the word of whoever vouches for the key: a certificate
//                        names the key alone
//   tpm-key-name         unsupported: a name by an unknown hash
//   tpm-key-trusted, or tpm-key-certificate and tpm-key-chain
// and after them
//   tpm-key-primary      binding_mismatch: the quote calls its signer what a primary key of the
//                        endorsement's or the owner's hierarchy with this public area is called
Verified<Claims> verify_tpm_quote(Bytes evidence, const QuoteOptions& options, const Roots& roots,
                                  int64_t time);
// The same for evidence that is parsed already.
Verified<Claims> verify_quote(const QuoteEvidence& evidence, const QuoteOptions& options,
                              const Roots& roots, int64_t time);

}  // namespace sotto::attest::tpm
