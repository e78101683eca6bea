// No bit of a token can be flipped unnoticed.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>

#include "attest/token/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::token {
namespace {

TEST(TokenMutation, every_flipped_bit_of_a_token_is_refused) {
  SKIP_WITHOUT_VECTORS();
  const struct {
    const char* name;
    decltype(&verify_maa_token) verify;
    const char* token;
    const char* keys;
    int64_t time;
    uint64_t flips;
  } kKinds[] = {
      {"maa-token", verify_maa_token, "azure/maa/maa_snp_cvm_2025-12.jwt",
       "azure/maa/jwks_sharedeus2.json", 1765826648, 20'000},
      {"ita-token", verify_ita_token, "ita/intel_trustauthority-kbs/tdx_prod_2023-12.jwt",
       "ita/prod_jwks_2024.json", 1701734950, 20'000},
      {"google-cs-token", verify_google_cs_token, "gcp/project-oak_oak/sample_tdx.jwt", nullptr,
       1757060250, 20'000},
      {"nras-token", verify_nras_token, "nvidia/nras/tinfoil_h100_20260629/eat.json",
       "nvidia/nras/tinfoil_h100_20260629/jwks.json", 1782699180, 5'000},
  };
  const Roots roots = Roots::pinned();
  for (const auto& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    Collateral collateral;
    if (kind.keys != nullptr) {
      ASSERT_TRUE(collateral.add(std::string(kTokenKeys), read_vector(kind.keys)));
    }
    const std::vector<uint8_t> token = read_vector(kind.token);
    const auto verify = [&](Bytes bytes) {
      return kind.verify(bytes, collateral, roots, kind.time, {});
    };
    ASSERT_TRUE(verify(token));
    const uint64_t tried = expect_every_bit_flip_refused(token, verify, kind.flips);
    std::printf("%s: %llu flips of %zu bits, all refused\n", kind.name,
                static_cast<unsigned long long>(tried), token.size() * 8);
  }
}

}  // namespace
}  // namespace sotto::attest::token
