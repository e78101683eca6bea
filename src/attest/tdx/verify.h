// Verification of Intel quotes: everything between the bytes and Intel's root.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"
#include "base/bytes.h"

namespace sotto::attest::tdx {

// Names of collateral, as Intel's provisioning service and `--collateral DIR` have them.
inline constexpr std::string_view kTcbInfo = "tcb_info.json";
inline constexpr std::string_view kQeIdentity = "qe_identity.json";
inline constexpr std::string_view kTcbSigningChain = "tcb_signing_chain.pem";
// The same signer signs both; where this one is absent, the other stands for it.
inline constexpr std::string_view kQeIdentitySigningChain = "qe_identity_signing_chain.pem";
inline constexpr std::string_view kPckCrl = "pck_crl.der";  // DER, PEM or hexadecimal
inline constexpr std::string_view kRootCaCrl = "root_ca_crl.der";
// Optional: who issued the PCK CRL, checked when it is there.
inline constexpr std::string_view kPckCrlIssuerChain = "pck_crl_issuer_chain.pem";
// The PCK certificate and its issuers, the leaf first: for quotes that do not carry them, and used
// instead of the quote's where it is given.
inline constexpr std::string_view kPckChain = "pck_chain.pem";

// The quote of a trust domain; `wrong_kind` for an enclave's. Rules, in this order: quote-format,
// pck-chain, pck-revocation (with it), pck-platform, qe-report-signature, attestation-key-binding,
// quote-signature, tcb-info-…, qe-identity-…, tdx-module-…, tcb-level. Debug domains and domains
// whose TCB is out of date are claims that a policy judges; a revoked TCB is an error, and so is a
// platform that reaches no TCB level.
Verified<Claims> verify_tdx_quote(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time);

// The quote of an SGX enclave; `wrong_kind` for a trust domain's.
Verified<Claims> verify_sgx_quote(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time);

}  // namespace sotto::attest::tdx
