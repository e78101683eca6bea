// Makes testdata/attest/ anew, with keys that are then forgotten: make_attest_testdata FOLDER.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "attest/azure/cases_for_testing.h"
#include "attest/google/endorsement_for_testing.h"
#include "attest/nitro/cases_for_testing.h"
#include "attest/snp/cases_for_testing.h"
#include "attest/tdx/cases_for_testing.h"
#include "attest/tpm/cases_for_testing.h"

int main(int argc, char** argv) {
  using namespace sotto::attest;
  if (argc != 2) {
    fmt::print(stderr, "usage: {} FOLDER\n", argv[0]);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  for (const auto& [tee, version, name] : {std::tuple(tdx::TeeType::tdx, 4, "tdx-quote"),
                                           std::tuple(tdx::TeeType::sgx, 3, "sgx-quote")}) {
    const tdx::SimulatedPlatform intel(tee, static_cast<uint16_t>(version));
    write_cases_for_testing(folder / name, tdx::make_cases_for_testing(intel),
                            intel.make().roots.of(Vendor::intel_sgx).roots[0]);
  }
  const snp::SignerForTesting amd(snp::Product::milan);
  write_cases_for_testing(folder / "snp-report", snp::make_cases_for_testing(amd), amd.ark());
  const nitro::SignerForTesting aws;
  write_cases_for_testing(folder / "nitro-document", nitro::make_cases_for_testing(aws),
                          aws.root());
  const tpm::VendorForTesting vendor;
  write_cases_for_testing(folder / "tpm-quote", tpm::make_cases_for_testing(vendor), vendor.root());
  write_cases_for_testing(folder / "azure-hcl-report",
                          azure::make_hcl_cases_for_testing(amd, vendor), amd.ark());
  const azure::ImdsSignerForTesting imds;
  write_cases_for_testing(folder / "azure-imds-document", azure::make_imds_cases_for_testing(imds),
                          imds.root());
  const google::EndorserForTesting google(1'750'000'000);
  write_cases_for_testing(folder / "google-endorsement", google::make_cases_for_testing(google),
                          google.root());
  return 0;
}
