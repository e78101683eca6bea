// Evidence and collateral from files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "base/result.h"

namespace sotto::cmd {

// `unavailable` when it cannot be read, `exhausted` beyond `bytes_max`, `malformed` when it is empty.
Result<std::vector<uint8_t>> read_evidence_file(const std::string& path, uint64_t bytes_max);

// A folder: every file in it by its own name. A JSON object of base64url texts: a bundle's collateral.
// Any other file: the one piece that evidence of the kind needs.
Result<attest::Collateral> read_collateral(const std::string& path, attest::EvidenceKind kind);

}  // namespace sotto::cmd
