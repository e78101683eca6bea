// Fuzzes the parsers of a TPM's structures and of the evidence around them: no input may crash them.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/event_log/algorithms.h"
#include "attest/tpm/verify.h"
#include "base/check.h"

namespace {

using namespace sotto;
using namespace sotto::attest::tpm;

void check_evidence(std::string_view text) {
  const auto evidence = parse_evidence(text);
  if (!evidence) return;
  const std::string written = serialize(*evidence);
  const auto again = parse_evidence(written);
  CHECK(again.has_value() && serialize(*again) == written);
  (void)verify_quote(*evidence, {}, attest::Roots(), 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  const auto quote = parse_quote(bytes);
  if (quote) {
    CHECK(quote->selections.size() <= kBanksMax);
    (void)pcr_digest(quote->selections, {}, attest::event_log::kSha256);
  }
  const auto area = parse_public(bytes);
  if (area) {
    (void)attestation_key_of(*area);
    (void)name_of(*area);
  }
  (void)parse_signature(bytes);
  check_evidence({reinterpret_cast<const char*>(data), size});
  return 0;
}
