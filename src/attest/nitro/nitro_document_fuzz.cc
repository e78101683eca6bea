// Fuzzes parse_document() and verify(): no input may crash them, and what was parsed lies within its
// limits.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/nitro/verify.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest;
  static const Roots roots = Roots::pinned();
  const auto document = nitro::parse_document(Bytes(data, size));
  if (!document) return 0;
  CHECK(document->bytes <= size);
  CHECK(!document->pcrs.empty() && document->pcrs.size() <= nitro::kPcrIndexMax + 1);
  CHECK(document->cabundle.size() <= nitro::kCaBundleCertificatesMax);
  CHECK(document->signature.size() == 96);
  CHECK(document->signed_bytes.size() <= nitro::kDocumentBytesMax);
  const auto claims = nitro::verify(*document, roots, INT64_MAX / 2);
  CHECK(claims || !claims.error().rules.empty());
  return 0;
}
