// The rules of a bundle.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/appraise_bundle.h"

#include <algorithm>

#include "attest/bundle/binding.h"
#include "attest/bundle/settings_log.h"
#include "attest/verify/verify_evidence.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

constexpr int64_t kClockGraceSeconds = 300;

bool is_device(EvidenceKind kind) {
  return kind == EvidenceKind::nvidia_gpu_report || kind == EvidenceKind::nvidia_switch_report;
}

bool is_processor(EvidenceKind kind) {
  return kind == EvidenceKind::tdx_quote || kind == EvidenceKind::snp_report ||
         kind == EvidenceKind::nitro_document || kind == EvidenceKind::azure_hcl_report ||
         kind == EvidenceKind::tpm_quote || kind == EvidenceKind::simulated_quote;
}

bool is_td(EvidenceKind kind) {
  return kind == EvidenceKind::tdx_quote || kind == EvidenceKind::simulated_quote;
}

std::string any_of_text(const std::vector<std::vector<uint8_t>>& values) {
  std::string text;
  for (const std::vector<uint8_t>& value : values) {
    text += (text.empty() ? "" : " or ") + hex_of(value);
  }
  return text;
}

bool holds(const std::vector<std::vector<uint8_t>>& list, Bytes value) {
  return std::any_of(list.begin(), list.end(), [&](const std::vector<uint8_t>& one) {
    return std::ranges::equal(one, value);
  });
}

std::vector<uint8_t> value_of(const Claims& claims, std::string_view name) {
  const auto found = claims.values.find(name);
  return found == claims.values.end() ? std::vector<uint8_t>() : found->second;
}

class BundleAppraiser {
 public:
  BundleAppraiser(const Bundle& bundle, const Policy& policy, const Roots& roots, int64_t time)
      : bundle_(bundle),
        policy_(policy),
        roots_(roots),
        time_(time),
        binding_(binding_of(bundle.nonce, bundle.statement)) {
    appraisal_.statement_sha256 = crypto::sha256(bundle.statement);
  }

  BundleAppraisal run(const BundleOptions& options) {
    check_statement();
    if (options.nonce) {
      rule("bundle-nonce", *options.nonce == bundle_.nonce, Reason::binding_mismatch,
           hex_of(*options.nonce), hex_of(bundle_.nonce));
    }
    check_shape();
    for (const BundledEvidence& evidence : bundle_.evidence) appraise_one(evidence);
    check_policy();
    appraisal_.verified = !appraisal_.error.has_value();
    return std::move(appraisal_);
  }

 private:
  void refuse_with(VerifyError error) {
    if (!appraisal_.error) appraisal_.error = std::move(error);
  }

  void rule(std::string name, bool passed, Reason reason, std::string expected,
            std::string actual) {
    if (!passed) {
      refuse_with({reason, fmt::format("{}: expected {}, actual {}", name, expected, actual)});
    }
    appraisal_.rules.push_back({std::move(name), passed ? RuleVerdict::passed : RuleVerdict::failed,
                                std::move(expected), std::move(actual)});
  }

  void check_statement() {
    const Verified<Statement> statement =
        lift("statement", parse_statement(as_text(bundle_.statement)));
    rule("statement", statement.has_value(),
         statement ? Reason::malformed : statement.error().reason, "a statement of version 1",
         statement ? "a statement of version 1" : statement.error().message);
    if (!statement) return;
    appraisal_.statement = *statement;
    const bool early = statement->started_at > time_ + kClockGraceSeconds;
    rule("statement-time", !early && time_ < statement->valid_until,
         early ? Reason::not_yet_valid : Reason::expired,
         fmt::format("valid at {}", utc_time_text(time_)),
         fmt::format("{} to {}", utc_time_text(statement->started_at),
                     utc_time_text(statement->valid_until)));
  }

  void check_shape() {
    std::string kinds;
    bool good = !bundle_.evidence.empty();
    for (size_t i = 0; i < bundle_.evidence.size(); ++i) {
      const EvidenceKind kind = bundle_.evidence[i].kind;
      kinds += (i == 0 ? "" : ", ") + std::string(to_string(kind));
      good = good &&
             (i == 0 ? is_processor(kind) : is_device(kind) || kind == EvidenceKind::tpm_quote);
    }
    rule("processor-evidence", good, Reason::wrong_kind,
         "a TEE's or a TPM's evidence, then others'", kinds.empty() ? "none" : kinds);
  }

  // What a piece carries for the caller.
  std::vector<uint8_t> expected_of(EvidenceKind kind) const {
    const auto to_vector = [](const auto& digest) {
      return std::vector<uint8_t>(digest.begin(), digest.end());
    };
    if (is_device(kind)) return to_vector(gpu_nonce_of(bundle_.evidence.front().data, binding_));
    if (kind == EvidenceKind::tpm_quote || kind == EvidenceKind::azure_hcl_report) {
      return to_vector(qualifying_data_of(binding_));
    }
    return to_vector(binding_);
  }

  // Nitro's document has places of its own for the nonce and the TLS key.
  std::string nitro_difference(const Claims& claims) const {
    if (value_of(claims, "nonce") != bundle_.nonce) return "another nonce";
    const std::vector<uint8_t> key = value_of(claims, "public_key");
    const bool stated = appraisal_.statement && !appraisal_.statement->tls_spki_sha256.empty();
    if (stated && !std::ranges::equal(crypto::sha256(key), appraisal_.statement->tls_spki_sha256)) {
      return "another public key";
    }
    return "";
  }

  Verified<Claims> verify_one(const BundledEvidence& evidence) {
    Collateral collateral = bundle_.collateral;
    for (const auto& [name, bytes] : evidence.collateral.blobs()) {
      if (!collateral.add(name, bytes)) return refuse(Reason::malformed, "too much collateral");
    }
    const std::vector<uint8_t> expected = expected_of(evidence.kind);
    VerifyOptions options;
    const bool compares = is_device(evidence.kind) || evidence.kind == EvidenceKind::tpm_quote ||
                          evidence.kind == EvidenceKind::azure_hcl_report;
    if (compares) options.nonce = expected;
    Claims claims =
        TRY(verify_evidence(evidence.kind, evidence.data, collateral, roots_, time_, options));
    RuleList rules;
    for (const Rule& one : claims.rules) {
      rules.record(one.name, one.verdict, one.expected, one.actual);
    }
    std::string actual = hex_of(claims.report_data);
    bool bound = claims.report_data == expected;
    if (evidence.kind == EvidenceKind::nitro_document) {
      const std::string difference = nitro_difference(claims);
      bound = bound && difference.empty();
      if (!difference.empty()) actual += " with " + difference;
    }
    TRY(rules.require("binding", bound, Reason::binding_mismatch, hex_of(expected), actual));
    claims.rules = rules.rules();
    const bool first = &evidence == &bundle_.evidence.front();
    if (first && is_td(evidence.kind)) TRY(explain(claims));
    return claims;
  }

  // `ccel` tells of firmware and kernel, `cel` of what extended registers at run time.
  Verified<void> explain(Claims& claims) {
    const std::vector<uint8_t>* ccel = nullptr;
    Bytes cel;
    for (const BundledLog& log : bundle_.event_logs) {
      if (log.kind == "ccel") ccel = &log.data;
      if (log.kind == "cel") cel = log.data;
    }
    if (ccel == nullptr) return {};
    appraisal_.events = TRY(event_log::explain_rtmrs(*ccel, claims, cel));
    return {};
  }

  void appraise_one(const BundledEvidence& evidence) {
    appraisal_.evidence.push_back(appraise(verify_one(evidence), policy_));
    Appraisal& one = appraisal_.evidence.back();
    if (one.verified) return;
    VerifyError error = *one.error;
    error.message = fmt::format("{}: {}", to_string(evidence.kind), error.message);
    refuse_with(std::move(error));
  }

  void check_policy() {
    if (appraisal_.evidence.empty()) return;
    const std::optional<Claims>& claims = appraisal_.evidence.front().claims;
    if (claims) {
      const auto platform = policy_.platforms.find(claims->platform);
      appraisal_.program_pinned =
          platform != policy_.platforms.end() && !platform->second.measurements.empty();
    }
    if (!policy_.statement || !appraisal_.statement) return;
    const StatementPolicy& wanted = *policy_.statement;
    const Statement& stated = *appraisal_.statement;
    if (!wanted.models.empty()) check_models(wanted, stated);
    if (!wanted.configurations.empty()) {
      rule("statement-configuration", holds(wanted.configurations, stated.configuration_sha256),
           Reason::policy, any_of_text(wanted.configurations), hex_of(stated.configuration_sha256));
    }
    if (!wanted.programs.empty()) {
      rule("statement-program", holds(wanted.programs, stated.program_sha256), Reason::policy,
           any_of_text(wanted.programs), hex_of(stated.program_sha256));
    }
    if (wanted.measured) check_measured(claims, stated);
  }

  void check_models(const StatementPolicy& wanted, const Statement& stated) {
    std::string actual;
    bool good = !stated.models.empty();
    for (const StatedModel& model : stated.models) {
      actual += (actual.empty() ? "" : ", ") + hex_of(model.model_root);
      good = good &&
             (holds(wanted.models, model.model_root) ||
              (model.file_sha256.size() == 1 && holds(wanted.models, model.file_sha256.front())));
    }
    rule("statement-models", good, Reason::policy, any_of_text(wanted.models),
         actual.empty() ? "none" : actual);
  }

  void check_measured(const std::optional<Claims>& claims, const Statement& stated) {
    const bool td = is_td(bundle_.evidence.front().kind);
    const std::string name =
        td ? fmt::format("rtmr{}", kSettingsRtmr) : fmt::format("pcr{}", kSettingsPcr);
    const std::vector<uint8_t> expected = settings_register(
        stated, td ? crypto::HashAlgorithm::sha384 : crypto::HashAlgorithm::sha256);
    std::string actual = "the evidence does not say";
    // A processor's report without such a register may have a TPM's beside it.
    for (const Appraisal& one : appraisal_.evidence) {
      if (!one.claims || !claims) continue;
      const auto found = one.claims->measurements.find(name);
      if (found != one.claims->measurements.end()) actual = hex_of(found->second);
    }
    rule("settings-measured", actual == hex_of(expected), Reason::measurement_mismatch,
         fmt::format("{} {}", name, hex_of(expected)), actual);
  }

  const Bundle& bundle_;
  const Policy& policy_;
  const Roots& roots_;
  const int64_t time_;
  const crypto::Sha512Digest binding_;
  BundleAppraisal appraisal_;
};

}  // namespace

BundleAppraisal appraise_bundle(const Bundle& bundle, const Policy& policy, const Roots& roots,
                                int64_t time, const BundleOptions& options) {
  return BundleAppraiser(bundle, policy, roots, time).run(options);
}

}  // namespace sotto::attest
