// The same way as a TD's quote, with another root.
// SPDX-License-Identifier: Apache-2.0
#include "attest/simulated/verify.h"

#include "attest/tdx/verify.h"

namespace sotto::attest::simulated {

Verified<Claims> verify_simulated_quote(Bytes evidence, const Collateral& collateral,
                                        const Roots& roots, int64_t time) {
  Roots own;
  own.replace(Vendor::intel_sgx, roots.of(Vendor::simulated).roots);
  Claims claims = TRY(tdx::verify_tdx_quote(evidence, collateral, own, time));
  claims.kind = EvidenceKind::simulated_quote;
  claims.platform = "simulated";
  claims.flags["simulated"] = true;
  claims.root_replaced = false;  // whoever asked says whether it is
  return claims;
}

}  // namespace sotto::attest::simulated
