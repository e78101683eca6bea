// Verification of any kind of evidence by its name: the one door to the platforms' folders.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"

namespace sotto::attest {

struct VerifyOptions {
  // What the asker sent. It must be in the evidence where the kind has a place for it: a GPU's nonce, a
  // TPM's qualifying data, a document's or a token's nonce. In report data it stands alone, before zeros.
  std::optional<std::vector<uint8_t>> nonce = {};
};

// The names of collateral are those of each platform's verify.h. Pure; `time` in Unix seconds.
// `unsupported` for event logs, which prove nothing by themselves.
Verified<Claims> verify_evidence(EvidenceKind kind, Bytes evidence, const Collateral& collateral,
                                 const Roots& roots, int64_t time,
                                 const VerifyOptions& options = {});

// What claims of the kind mostly call their platform: for results of evidence that did not verify.
std::string_view platform_of(EvidenceKind kind);

// Whose roots evidence of the kind is trusted by; none for tokens of keys that the caller gives.
std::vector<Vendor> vendors_of(EvidenceKind kind);

// Which piece of collateral a single file is that was given with evidence of the kind: a VCEK, a key set,
// a manifest (told apart by its text), a GPU's certificates. `unsupported` where a kind needs several.
Result<std::string> name_of_single_collateral(EvidenceKind kind, Bytes file);

}  // namespace sotto::attest
