// How long it takes to verify an SNP report and a Nitro document, chain and all, on one core; made by
// signers of the benchmark's own.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <vector>

#include "attest/nitro/signer_for_testing.h"
#include "attest/nitro/verify.h"
#include "attest/snp/signer_for_testing.h"
#include "attest/snp/verify.h"
#include "base/check.h"

namespace {

using namespace sotto;
using namespace sotto::attest;

// AMD's own keys are RSA with 4096 bits.
constexpr uint32_t kRsaBits = 4096;

// With a revocation list as much is verified as ever can be.
void verify_snp_report(benchmark::State& state, bool with_list) {
  const snp::SignerForTesting amd(snp::Product::genoa, kRsaBits);
  auto report = amd.report();
  amd.sign(report);
  const auto certificate = amd.issue(amd.endorsement());
  const Roots roots = amd.roots();
  Collateral collateral;
  CHECK(collateral.add(std::string(snp::kKeyCertificate),
                       {certificate.der().begin(), certificate.der().end()}));
  if (with_list) {
    CHECK(collateral.add(std::string(snp::kRevocationList),
                         amd.revocation_list({1, 2, 3}, snp::SignerForTesting::kTime + 1)));
  }
  for (auto _ : state) {
    const auto claims =
        snp::verify_snp_report(report, collateral, roots, snp::SignerForTesting::kTime);
    CHECK(claims.has_value() && claims->flags.at("revocation_checked") == with_list);
  }
}

void verify_nitro_document(benchmark::State& state) {
  const nitro::SignerForTesting aws;
  const auto bytes = aws.sign(aws.document());
  const Roots roots = aws.roots();
  for (auto _ : state) {
    CHECK(nitro::verify_nitro_document(bytes, roots, nitro::SignerForTesting::kTime));
  }
}

BENCHMARK_CAPTURE(verify_snp_report, without_list, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(verify_snp_report, with_list, true)->Unit(benchmark::kMicrosecond);
BENCHMARK(verify_nitro_document)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
