// Fuzzes the reader of Google's launch endorsements: no input may crash it.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/google/verify.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const Bytes bytes(data, size);
  const auto endorsement = attest::google::parse_endorsement(bytes);
  if (endorsement) {
    CHECK(!endorsement->golden.certificate.empty());
    CHECK(endorsement->signed_bytes.size() <= size);
  }
  (void)attest::google::find_endorsement(bytes);
  // Without roots nothing is ever accepted.
  CHECK(!attest::google::verify_endorsement(bytes, attest::Roots(), 0).has_value());
  return 0;
}
