// Any bytes as a policy: refused with a reason, or read the same way twice.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/policy.h"

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest;
  const Result<Policy> policy = parse_policy(as_text({data, size}));
  if (!policy) {
    CHECK(!policy.error().message.empty());
    return 0;
  }
  const Result<Policy> again = parse_policy(as_text({data, size}));
  CHECK(again && again->name == policy->name);
  CHECK(again->platforms.size() == policy->platforms.size());
  return 0;
}
