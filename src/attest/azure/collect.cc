// Reads the report and quotes.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/collect.h"

#include "attest/azure/hcl_report.h"
#include "attest/tpm/public_key.h"

namespace sotto::attest::azure {
namespace {

constexpr uint32_t kReportIndex = 0x01400001;

}  // namespace

Result<Collected> collect(tpm::Tpm& tpm, Bytes qualifying, const tpm::LogPaths& paths) {
  Collected collected;
  collected.hcl_report = TRY(tpm.read_nv(kReportIndex));
  const HclReportUnverified report = TRY(parse_hcl_report(collected.hcl_report));
  collected.quote = TRY(tpm::collect_evidence(tpm, tpm::KeySource::azure, qualifying, paths));
  const tpm::PublicArea key = TRY(tpm::parse_public(collected.quote.key));
  const auto* rsa = std::get_if<tpm::RsaKey>(&key.key);
  if (rsa == nullptr || rsa->modulus != report.runtime.attestation_key.modulus) {
    return fail(ErrorKind::untrusted,
                "the vTPM's key is not the one that the paravisor's report vouches for");
  }
  const auto* json_end = report.runtime_json.data() + report.runtime_json.size();
  collected.hcl_report.resize(static_cast<size_t>(json_end - collected.hcl_report.data()));
  return collected;
}

}  // namespace sotto::attest::azure
