// Any bytes as a file of the cache, and as the vendors' answers that are kept in it.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/collateral/answer.h"
#include "attest/collateral/cache.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest::collateral;
  const Bytes bytes(data, size);
  const Result<CachedAnswer> entry = parse_cache_entry(as_text(bytes), "https://vendor.example/");
  // Base64 is longer than what it stands for.
  if (entry) CHECK(entry->body.size() < size && entry->chain.size() < size);
  for (const auto check :
       {check_tcb_info, check_qe_identity, check_revocation_list, check_certificates}) {
    (void)check(bytes).has_value();
  }
  (void)check_manifest(bytes, "NV_GPU_DRIVER_GH100_1").has_value();
  return 0;
}
