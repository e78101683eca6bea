// What evidence proves, after every signature, chain, revocation and binding was checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/evidence.h"
#include "attest/rules.h"

namespace sotto::attest {

enum class TcbGrade : uint8_t {
  up_to_date,
  needs_configuration,  // up to date, but for software hardening or settings that only a policy can judge
  out_of_date,
  revoked,
};
std::string_view to_string(TcbGrade grade);

// The security version of what the machine runs below us.
struct Tcb {
  TcbGrade grade = TcbGrade::revoked;
  // The vendor's word for it: Intel's "UpToDate", "SWHardeningNeeded", "OutOfDate", …; AMD has none,
  // and then it is "Reported".
  std::string status;
  std::vector<std::string> advisories;  // "INTEL-SA-00615", sorted, each once
  std::optional<int64_t> date;          // Unix seconds: the level's, which is current since then
  uint32_t releases_behind = 0;         // levels that are newer than this one
  std::map<std::string, std::string>
      components;  // "platform" → "UpToDate", "qe" → …, "microcode" → "219"
};

// Made only by the verify functions of the platforms' folders, which are all of this form and pure (no
// clock, no network, no globals); `time` is in Unix seconds:
//   Verified<Claims> verify_X(Bytes evidence, const Collateral&, const Roots&, int64_t time);
// A plain value.
struct Claims {
  EvidenceKind kind{};
  std::string
      platform;  // "intel-tdx", "intel-sgx", "amd-sev-snp", "aws-nitro", "tpm", "nvidia-gpu", …

  // By the field's own name in lower case: "mrtd", "rtmr0", "mrenclave", "measurement", "pcr4".
  std::map<std::string, std::vector<uint8_t>, std::less<>> measurements;
  // What the asker or the guest put in: report data, qualifying data, a GPU's nonce.
  std::vector<uint8_t> report_data;
  // Further bytes that the evidence vouches for: "user_data", "nonce", "public_key", "ak_spki", "chip_id".
  std::map<std::string, std::vector<uint8_t>, std::less<>> values;

  std::optional<Tcb> tcb;  // nothing where the platform has none
  bool debug = false;
  std::map<std::string, bool, std::less<>> flags;  // "migratable", "smt", …
  std::map<std::string, std::string, std::less<>>
      notes;  // for people and policies: "fmspc" → "00806f050000"

  int64_t verified_at = 0;             // the time that was given, Unix seconds
  std::optional<int64_t> issued_at;    // by the evidence's own word
  std::optional<int64_t> valid_until;  // the first of certificates, CRLs and collateral to expire
  bool root_replaced = false;          // a caller's root was used instead of a vendor's

  std::vector<Rule> rules;  // what verification checked, all passed
};

}  // namespace sotto::attest
