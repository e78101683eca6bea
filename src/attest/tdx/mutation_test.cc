// No bit of a quote, or of what Intel signed about its platform, can be flipped unnoticed.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "attest/tdx/collateral.h"
#include "attest/tdx/recorded_for_testing.h"
#include "attest/tdx/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/utc_time.h"

namespace sotto::attest::tdx {
namespace {

struct Good {
  const char* name;
  const char* quote;
  const char* collateral;
  const char* time;
  Verified<Claims> (*verify)(Bytes, const Collateral&, const Roots&, int64_t);
};

const Good kGood[] = {
    {"TDX version 4", "tdx/Phala-Network_dcap-qvl/tdx_quote/quote.bin",
     "tdx/Phala-Network_dcap-qvl/tdx_quote/collateral/", "2025-07-01T00:00:00Z", verify_tdx_quote},
    {"TDX version 5", "tdx/google_go-tdx-guest/quote_v5_sample.dat",
     "tdx/flashbots_attested-tls/dcap-tdx-1766059550570652607.collateral/ "
     "tcb_info.json=tdx/google_go-tdx-guest/sample_tcbinfo_response_v5",
     "2026-02-03T01:00:00Z", verify_tdx_quote},
    {"SGX version 3", "tdx/Phala-Network_dcap-qvl/sgx_quote/quote.bin",
     "tdx/Phala-Network_dcap-qvl/sgx_quote/collateral/", "2025-06-19T23:59:59Z", verify_sgx_quote},
};

TEST(TdxMutation, every_flipped_bit_of_a_quote_is_refused) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  for (const Good& good : kGood) {
    SCOPED_TRACE(good.name);
    const Collateral collateral = recorded_collateral(good.collateral);
    const int64_t time = parse_utc_time(good.time).value();
    const std::vector<uint8_t> quote = recorded_quote(good.quote);
    ASSERT_TRUE(good.verify(quote, collateral, roots, time));
    const uint64_t tried = expect_every_bit_flip_refused(
        quote, [&](Bytes bytes) { return good.verify(bytes, collateral, roots, time); });
    std::printf("%s: %llu flips of %zu bits, all refused\n", good.name,
                static_cast<unsigned long long>(tried), quote.size() * 8);
  }
}

TEST(TdxMutation, every_flipped_bit_of_collateral_is_refused) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const Good& good = kGood[0];
  const Collateral collateral = recorded_collateral(good.collateral);
  const int64_t time = parse_utc_time(good.time).value();
  const std::vector<uint8_t> quote = recorded_quote(good.quote);
  for (std::string_view name : {kTcbInfo, kQeIdentity, kPckCrl, kRootCaCrl, kTcbSigningChain,
                                kQeIdentitySigningChain, kPckCrlIssuerChain}) {
    SCOPED_TRACE(name);
    std::vector<uint8_t> bytes(collateral.blobs().at(std::string(name)));
    // Around the signed section stands a signature whose digits may be of either case.
    size_t first = 0;
    size_t count = bytes.size();
    if (name == kTcbInfo || name == kQeIdentity) {
      const std::string_view json(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const std::string_view section =
          split_signed(json, name == kTcbInfo ? "tcbInfo" : "enclaveIdentity").value().bytes;
      first = static_cast<size_t>(section.data() - json.data());
      count = section.size();
    }
    const std::vector<uint8_t> part(bytes.begin() + static_cast<ptrdiff_t>(first),
                                    bytes.begin() + static_cast<ptrdiff_t>(first + count));
    const uint64_t tried = expect_every_bit_flip_refused(
        part,
        [&](Bytes flipped) {
          std::copy(flipped.begin(), flipped.end(), bytes.begin() + static_cast<ptrdiff_t>(first));
          Collateral changed = collateral;
          EXPECT_TRUE(changed.add(std::string(name), bytes));
          return verify_tdx_quote(quote, changed, roots, time);
        },
        1'000);
    std::printf("%.*s: %llu flips, all refused\n", static_cast<int>(name.size()), name.data(),
                static_cast<unsigned long long>(tried));
  }
}

}  // namespace
}  // namespace sotto::attest::tdx
