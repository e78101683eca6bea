// Which rules verification must have run for a kind of evidence to count as verified.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "attest/claims.h"

namespace sotto::attest {

// Beside the verify functions this stands as a second list, so that a rule that is lost there does not
// go unnoticed. Empty for kinds that have no verification of their own, which are never verified.
// `platform` is the claims': evidence of one kind may come from several.
std::vector<std::string_view> required_rules(EvidenceKind kind, std::string_view platform);

}  // namespace sotto::attest
