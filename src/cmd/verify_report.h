// An appraisal for people: what was checked, what it proves and what it does not, and what to do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/appraise/appraise.h"
#include "attest/bundle/appraise_bundle.h"

namespace sotto::cmd {

// To standard output; green, yellow and red where it shows colours. `root_given` says that the caller
// named a root, which is said in red.
void print_appraisal(const attest::Appraisal& appraisal, bool root_given);
// Each rule with its verdict and what was found.
void print_rules(const std::vector<attest::Rule>& rules);
void print_bundle_appraisal(const attest::BundleAppraisal& appraisal, bool root_given);

}  // namespace sotto::cmd
