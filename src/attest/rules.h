// The visible list of what was checked, with both values: verification fills it, appraisal goes on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::attest {

// `skipped` never leads to "verified": it says that a rule was due and could not be looked at.
enum class RuleVerdict : uint8_t { passed, failed, skipped };
std::string_view to_string(RuleVerdict verdict);

struct Rule {
  std::string name;  // lower case with hyphens, the same in all versions: "quote-signature"
  RuleVerdict verdict = RuleVerdict::failed;
  std::string expected;
  std::string actual;  // public values only: digests, dates, names
};

}  // namespace sotto::attest
