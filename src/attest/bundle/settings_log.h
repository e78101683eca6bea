// Models and configuration as events: what a node extends into a run-time register before it serves, and
// the log that tells it [attestation §5].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "attest/bundle/statement.h"
#include "attest/event_log/tcg.h"
#include "crypto/hash.h"

namespace sotto::attest {

inline constexpr uint32_t kSettingsRtmr = 3;
// Not 16 or 23, which whoever runs inside can reset.
inline constexpr uint32_t kSettingsPcr = 15;

// Record contents of the canonical event log: "model_root=<hex>" of each model in the statement's order,
// then "configuration_sha256=<hex>", each with its type and length. Its hash is what is extended.
std::vector<std::vector<uint8_t>> settings_events(const Statement& statement);

// The log of these events for RTMR3 or PCR 15 [CEL].
std::vector<uint8_t> settings_log(const Statement& statement, event_log::Registers registers);

// What the register comes to from zeros, in the algorithm's size.
std::vector<uint8_t> settings_register(const Statement& statement, crypto::HashAlgorithm algorithm);

}  // namespace sotto::attest
