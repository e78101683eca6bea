// Any bytes as a time in Azure's attested document.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/azure/imds.h"
#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  constexpr int64_t kYear2000 = 946'684'800;
  constexpr int64_t kYear2100 = 4'102'444'800;
  const Result<int64_t> time = attest::azure::parse_imds_time(as_text({data, size}));
  if (time) CHECK(*time >= kYear2000 && *time < kYear2100);
  return 0;
}
