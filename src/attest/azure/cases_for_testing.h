// Synthetic reports of Azure's paravisor, and instance documents, with every way in which they can be wrong.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "attest/azure/hcl_report.h"
#include "attest/case_for_testing.h"
#include "attest/snp/signer_for_testing.h"
#include "attest/tpm/cases_for_testing.h"

namespace sotto::attest::azure {

// An HCL report by its fields.
struct HclForTesting {
  std::string signature = "HCLA";
  uint32_t version = 2;
  uint32_t request_type = 2;
  uint32_t status = 0;
  uint32_t kind = 2;  // HardwareReport
  uint32_t hash_type = 1;
  std::vector<uint8_t> hardware;
  std::string json;
  std::vector<uint8_t> trailing = std::vector<uint8_t>(64);
};
std::vector<uint8_t> marshal_for_testing(const HclForTesting& report);

// Runtime data with that vTPM key.
std::string runtime_json_for_testing(const crypto::PublicKey& key);

// Azure with AMD's hardware; every case's quote must carry tpm::nonce_for_testing(). The root is AMD's.
std::vector<CaseForTesting> make_hcl_cases_for_testing(const snp::SignerForTesting& amd,
                                                       const tpm::VendorForTesting& vtpm);

// Whoever signs instance documents.
class ImdsSignerForTesting {
 public:
  static constexpr int64_t kTime = 1'650'000'000;
  static constexpr std::string_view kNonce = "20220415-052000";

  ImdsSignerForTesting();
  const crypto::Certificate& root() const { return root_; }
  const crypto::Certificate& issuer() const { return issuer_; }
  // A document of that JSON, by a signer of that name; the issuer's certificate is inside.
  std::vector<uint8_t> sign(const std::string& json, const std::string& name,
                            bool with_issuer = true,
                            crypto::HashAlgorithm hash = crypto::HashAlgorithm::sha256) const;

 private:
  crypto::KeyPair root_key_, issuer_key_, key_;
  crypto::Certificate root_, issuer_;
};

std::vector<CaseForTesting> make_imds_cases_for_testing(const ImdsSignerForTesting& signer);

}  // namespace sotto::attest::azure
