// Any bytes as a bundle, a statement and an appraisal of them.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/bundle/appraise_bundle.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest;
  static const Roots roots = Roots::pinned();
  static const Policy policy = default_policy();
  const std::string_view text = as_text({data, size});
  if (const Result<Statement> statement = parse_statement(text)) {
    CHECK(parse_statement(serialize(*statement)));
  }
  const Result<Bundle> bundle = parse_bundle(text);
  if (!bundle) return 0;
  CHECK(parse_bundle(serialize(*bundle)));
  const BundleAppraisal appraisal = appraise_bundle(*bundle, policy, roots, 1'750'000'000);
  CHECK(!appraisal.verified && appraisal.error);
  bundle_appraisal_json(appraisal);
  return 0;
}
