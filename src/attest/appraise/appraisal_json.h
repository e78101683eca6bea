// An appraisal as JSON: ours, and an EAT Attestation Result [EAR].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <vector>

#include "attest/appraise/appraise.h"

namespace sotto::attest {

// {"verdict": "verified" | "rejected", "platform", "policy", "root_replaced", "tcb": {…}, "claims": {…},
// "rules": [{"name", "verdict", "expected", "actual"}…], "error": {"kind", "message"} | null}. Bytes are
// hexadecimal, times as in 2025-06-19T10:16:03Z.
boost::json::object appraisal_json(const Appraisal& appraisal);

// The parts of it that other results have too.
boost::json::array rules_json(const std::vector<Rule>& rules);
boost::json::value error_json(const std::optional<VerifyError>& error);

// The claims set of an EAR, unsigned: one submodule by the platform's name with status and
// trustworthiness vector [AR4SI]. `time` is when it was appraised, Unix seconds.
boost::json::object ear_json(const Appraisal& appraisal, int64_t time);

}  // namespace sotto::attest
