// Azure's evidence of this machine, as far as the vTPM has it: the paravisor's report and a quote.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/tpm/collect_evidence.h"

namespace sotto::attest::azure {

struct Collected {
  std::vector<uint8_t> hcl_report;  // NV index 0x01400001, without its filling
  tpm::QuoteEvidence quote;         // by the key that the report vouches for
};

// `unavailable` where the TPM is not such a machine's; `untrusted` where its key is not the one that
// the report vouches for. The VCEK or the TD quote must come from the metadata service.
Result<Collected> collect(tpm::Tpm& tpm, Bytes qualifying, const tpm::LogPaths& paths);

}  // namespace sotto::attest::azure
