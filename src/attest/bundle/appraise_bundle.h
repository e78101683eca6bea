// A whole bundle against a policy: each piece of evidence, what ties it to the statement and the nonce, and
// the statement itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "attest/appraise/appraise.h"
#include "attest/bundle/bundle.h"
#include "attest/bundle/statement.h"
#include "attest/event_log/verify.h"
#include "attest/roots.h"

namespace sotto::attest {

struct BundleOptions {
  // What the asker sent with the question; the bundle must carry it. Nothing: whatever it carries, the
  // evidence is bound to that.
  std::optional<std::vector<uint8_t>> nonce = {};
};

struct BundleAppraisal {
  bool verified = false;
  std::optional<Statement> statement;  // nothing when it could not be read
  crypto::Sha256Digest statement_sha256{};
  std::vector<Rule> rules;          // of the bundle as a whole
  std::vector<Appraisal> evidence;  // in the bundle's order, its binding among the rules
  std::vector<event_log::MeasuredEvent> events;  // that the bundle's logs explain RTMRs with
  std::optional<VerifyError> error;              // the first rule that failed, where not verified
  // The policy pins a measurement of the processor's evidence. Without one a genuine platform is
  // accepted, running nobody knows what.
  bool program_pinned = false;
};

// Verified exactly when each piece of evidence is, by the rules of appraise(), and all of these hold:
//   statement            malformed, unsupported
//   bundle-nonce         binding_mismatch; where one is asked for
//   statement-time       not_yet_valid (five minutes of grace), expired
//   processor-evidence   wrong_kind: the first piece is a TEE's or a TPM's, the others a TPM's or GPUs'
//   binding              of each piece: binding_mismatch, what it carries for the caller is made of the
//                        nonce and the statement (binding.h)
//   event-log            of a TD, where the bundle has its log: measurement_mismatch
// and by the policy's [statement]: statement-models, statement-configuration, statement-program,
// settings-measured. Pure; `time` in Unix seconds.
BundleAppraisal appraise_bundle(const Bundle& bundle, const Policy& policy, const Roots& roots,
                                int64_t time, const BundleOptions& options = {});

// {"verdict", "platform", "statement": {…}, "statement_sha256", "program_pinned", "rules", "evidence":
// [appraisal_json()…], "events": […], "error"}.
boost::json::object bundle_appraisal_json(const BundleAppraisal& appraisal);

}  // namespace sotto::attest
