// Any bytes as collateral in a bundle: what is read is written and read again as the same.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/bundle/bundle.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest;
  const Result<Collateral> collateral = parse_collateral(as_text({data, size}));
  if (!collateral) return 0;
  CHECK(collateral->blobs().size() <= kCollateralBlobsMax);
  const Result<Collateral> again = parse_collateral(serialize(*collateral));
  CHECK(again && again->blobs() == collateral->blobs());
  return 0;
}
