// Making the synthetic endorsements of testdata/attest/google-endorsement/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/google/endorsement_for_testing.h"

namespace sotto::attest::google {

std::vector<CaseForTesting> make_cases_for_testing(const EndorserForTesting& endorser) {
  std::vector<CaseForTesting> cases;
  const auto add = [&](const char* name, const char* verdict, const char* rule,
                       std::vector<uint8_t> evidence, int64_t after = 0) {
    cases.push_back({name, endorser.time() + after, verdict, rule, std::move(evidence), {}});
  };
  const auto changed = [&](auto change) {
    GoldenForTesting golden;
    change(golden);
    return endorser.endorse(golden);
  };
  const std::vector<uint8_t> good = endorser.endorse();
  const auto spoilt = [&](auto spoil) {
    std::vector<uint8_t> bytes = good;
    spoil(bytes);
    return bytes;
  };
  add("good", "verified", "-", good);
  add("good-before-origins", "verified", "-", changed([](auto& it) {
        it.changelist = 0;
        it.timestamp = 1'700'000'000;
      }));

  constexpr auto kFormat = "endorsement-format";
  add("short", "malformed", kFormat, spoilt([](auto& it) { it.pop_back(); }));
  add("third-field", "malformed", kFormat,
      spoilt([](auto& it) { it.insert(it.end(), {0x1a, 0x00}); }));
  add("twice", "malformed", kFormat,
      spoilt([&](auto& it) { it.insert(it.end(), good.begin(), good.end()); }));
  add("group", "malformed", kFormat, spoilt([](auto& it) { it[0] = 0x0b; }));
  add("short-mrtd", "malformed", kFormat, changed([](auto& it) { it.mrtd.pop_back(); }));
  add("vcpus-twice", "malformed", kFormat, changed([](auto& it) { it.vcpus_twice = true; }));

  const EndorserForTesting stranger(endorser.time());
  add("of-a-stranger", "untrusted-root", "endorsement-chain", stranger.endorse());
  add("certificate-expired", "expired", "endorsement-chain", good, 5000);
  add("certificate-of-tomorrow", "not-yet-valid", "endorsement-chain", good, -5000);
  add("signature-changed", "bad-signature", "endorsement-signature",
      spoilt([](auto& it) { it.back() ^= 1; }));
  add("of-no-origin", "malformed", "endorsement-origin",
      changed([](auto& it) { it.changelist = 0; }));
  return cases;
}

}  // namespace sotto::attest::google
