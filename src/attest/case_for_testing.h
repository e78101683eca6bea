// One piece of synthetic evidence with the verdict that it must get, as testdata/attest/ holds them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"

namespace sotto::attest {

struct CaseForTesting {
  std::string name;  // lower case with hyphens: the folder's name
  int64_t time = 0;
  std::string verdict;  // "verified", or the reason of the refusal: "binding-mismatch"
  std::string rule;     // that fails; "-" for what is verified
  std::vector<uint8_t> evidence;
  Collateral collateral;
};

// A folder of cases: `cases.txt` with a line `name time verdict rule` for each (a rule may have spaces), in a folder of its
// name `evidence.bin` and its collateral, and `root.pem` for all. Any failure is a CHECK.
void write_cases_for_testing(const std::filesystem::path& folder,
                             const std::vector<CaseForTesting>& cases,
                             const crypto::Certificate& root);
struct CasesForTesting {
  std::vector<CaseForTesting> cases;
  std::vector<crypto::Certificate> roots;
};
CasesForTesting read_cases_for_testing(const std::filesystem::path& folder);

// What verification and then a policy said, as a case has it: "VERDICT RULE".
std::string verdict_for_testing(const Verified<Claims>& claims,
                                const Verified<std::vector<Rule>>& appraised);

}  // namespace sotto::attest
