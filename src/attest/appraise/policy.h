// What a relying party accepts: a TOML file, or the defaults [docs/reference/policy.md].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sotto::attest {

inline constexpr uint64_t kPolicyBytesMax = 1 << 20;

// For evidence of one platform. What is empty or absent is not asked for, but for debug and simulated
// guests, which must be allowed by name.
struct PlatformPolicy {
  std::vector<std::string> tcb_statuses;        // one of these; needed where a vendor has statuses
  std::map<std::string, uint64_t> tcb_min;      // by component, for vendors with numbers
  std::optional<int64_t> tcb_date_min;          // Unix seconds: the level's date
  std::vector<std::string> advisories_refused;  // none of these
  bool allow_debug = false;
  bool allow_simulated = false;
  std::optional<int64_t> evidence_age_max;          // seconds, by the evidence's own word
  std::optional<std::vector<uint8_t>> report_data;  // all of it
  std::vector<std::string> needed_measurements;     // must be there, whatever they are
  // By name: one of the values.
  std::map<std::string, std::vector<std::vector<uint8_t>>> measurements;
  std::map<std::string, std::vector<std::vector<uint8_t>>> values;
  std::map<std::string, std::vector<std::string>> notes;
  std::map<std::string, bool> flags;
};

// For the statement of a node, whose evidence is bound to it. It is as good as the measurements that the
// platforms' tables pin.
struct StatementPolicy {
  std::vector<std::vector<uint8_t>>
      models;  // every model: its root or its one file is one of these
  std::vector<std::vector<uint8_t>> configurations;
  std::vector<std::vector<uint8_t>> programs;  // the executable file's SHA-256
  bool measured = false;  // models and configuration stand in a run-time register too
};

struct Policy {
  std::string name;
  std::optional<StatementPolicy> statement;         // only of bundles
  std::map<std::string, PlatformPolicy> platforms;  // by Claims::platform; others are refused
};

// `malformed` names the line of a key that is unknown, of the wrong kind or missing: a table for Intel's
// TEEs without `tcb_statuses` is a mistake, not a policy that accepts any.
Result<Policy> parse_policy(std::string_view toml);

// Of every platform: TCB up to date or in need of nothing but hardened software, no debug, no
// migration. Measurements are nobody's until somebody names them.
const std::string& default_policy_text();
Policy default_policy();

}  // namespace sotto::attest
