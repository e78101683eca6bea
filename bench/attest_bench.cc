// How long verification of evidence takes, warm, on one core, with its collateral stapled.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "attest/tdx/simulated_platform.h"
#include "attest/tdx/verify.h"
#include "base/check.h"

namespace sotto::attest {
namespace {

using tdx::SimulatedPlatform;

// A quote of a platform of our own: real sizes but for the CRL, whose length matters little.
void tdx_quote(benchmark::State& state) {
  const SimulatedPlatform platform;
  const SimulatedPlatform::Made made = platform.make();
  for (auto _ : state) {
    const Verified<Claims> claims =
        tdx::verify_tdx_quote(made.quote, made.collateral, made.roots, SimulatedPlatform::kTime);
    CHECK(claims.has_value());
    benchmark::DoNotOptimize(claims);
  }
}
BENCHMARK(tdx_quote)->Unit(benchmark::kMillisecond);

void sgx_quote(benchmark::State& state) {
  const SimulatedPlatform platform(tdx::TeeType::sgx, 3);
  const SimulatedPlatform::Made made = platform.make();
  for (auto _ : state) {
    const Verified<Claims> claims =
        tdx::verify_sgx_quote(made.quote, made.collateral, made.roots, SimulatedPlatform::kTime);
    CHECK(claims.has_value());
    benchmark::DoNotOptimize(claims);
  }
}
BENCHMARK(sgx_quote)->Unit(benchmark::kMillisecond);

void parsing_the_pinned_roots(benchmark::State& state) {
  for (auto _ : state) {
    const Roots roots = Roots::pinned();
    benchmark::DoNotOptimize(roots);
  }
}
BENCHMARK(parsing_the_pinned_roots)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sotto::attest

BENCHMARK_MAIN();
