// Verifying an SNP report: AMD's chain, the key's certificate and the report bound to each other, the
// signature [SNP-ABI §7.3, AMD-KDS].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/snp/report.h"
#include "attest/verify_error.h"

namespace sotto::attest::snp {

// The certificate of the report's signing key, VCEK or VLEK, DER or PEM. Needed. In PEM those above it
// may come along.
inline constexpr std::string_view kKeyCertificate = "vek.der";
// AMD's intermediates as its key service's `cert_chain` gives them, PEM. Needed only where the roots
// come without; a root among them is not trusted.
inline constexpr std::string_view kCertificateChain = "ask_ark.pem";
// The root's revocation list, DER or PEM. Without it the flag `revocation_checked` is false.
inline constexpr std::string_view kRevocationList = "amd_crl.der";

// Pure. Rules, in this order: report-format, key-certificate, amd-chain, amd-extensions, amd-issuers,
// revocation (where a list is given), signing-key, processor, product, report-signature, chip-id (of a
// VCEK), tcb, policy-bits, vmpl, tcb-order, firmware-order, id-block. What is wrong for every policy is an error; debug, migration, hyper-threads and the like are
// flags of the claims. The TCB's grade is `needs_configuration`: AMD publishes no levels, so that
// only a policy's floor can judge it.
Verified<Claims> verify_snp_report(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                   int64_t time);
// The same for a report that was found inside of something else and is parsed already.
Verified<Claims> verify(const ReportUnverified& report, const Collateral& collateral,
                        const Roots& roots, int64_t time);

}  // namespace sotto::attest::snp
