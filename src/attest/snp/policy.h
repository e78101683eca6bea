// What of SNP's own claims is acceptable: the rules that no other platform has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/verify_error.h"

namespace sotto::attest::snp {

// As made, the default: no debug, no migration, a TCB that nothing is known against.
struct Policy {
  bool allow_debug = false;
  bool allow_migration = false;
  bool allow_smt = true;  // most hosts run with hyper-threads
  bool allow_hidden_chip = true;
  uint32_t vmpl_max = 1;  // 0, or 1 below a paravisor that the measurement covers
  bool need_revocation_check = false;
  bool need_id_block = false;
  std::vector<std::vector<uint8_t>> id_key_digests = {};      // SHA-384; empty: any
  std::vector<std::vector<uint8_t>> author_key_digests = {};  // likewise
  std::map<std::string, uint8_t> tcb_floor = {};  // "microcode" → the least that is accepted
};

// The rules that were looked at, all passed; or the first that failed, with those before it.
Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy);

}  // namespace sotto::attest::snp
