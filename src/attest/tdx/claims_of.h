// What a verified quote says, as claims.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attest/claims.h"
#include "attest/tdx/collateral.h"
#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"

namespace sotto::attest::tdx {

// What verification found on its way.
struct Found {
  QuoteUnverified quote;  // which is verified by now
  PckPlatform platform;
  TcbLevelStatus platform_level;
  std::optional<TcbLevelStatus> module;  // of modules with an identity of their own
  TcbLevelStatus qe;
  TcbStatus status = TcbStatus::revoked;  // of all three
  uint32_t releases_behind = 0;
  uint32_t tcb_evaluation_number = 0;
  uint32_t qe_identity_evaluation_number = 0;
  int64_t verified_at = 0;
  int64_t valid_until = 0;
  std::vector<Rule> rules;
};

// The quote must hold a trust domain's report, or an enclave's.
Claims claims_of_td(const Found& found);
Claims claims_of_enclave(const Found& found);

}  // namespace sotto::attest::tdx
