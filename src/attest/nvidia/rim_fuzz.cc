// Fuzzes the reading of reference manifests and the check of their XML signatures: no input may crash
// them, and none that is not NVIDIA's is believed.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/nvidia/rim.h"
#include "attest/nvidia/xml_document.h"
#include "base/check.h"
#include "crypto/x509.h"

using namespace sotto;
using namespace sotto::attest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Roots roots = Roots::pinned();
  const Bytes xml(data, size);
  if (const auto rim = nvidia::parse_rim_unverified(xml)) {
    CHECK(!rim->allowed.empty() && rim->allowed.size() <= nvidia::kRimMeasurementsMax);
    for (const auto& [index, values] : rim->allowed) {
      CHECK(index < nvidia::kRimMeasurementsMax && !values.empty());
    }
  }
  // The signature's check alone, by whatever key the document brings.
  if (const auto document = nvidia::XmlDocument::parse(xml)) {
    if (const auto certificates = document->signer_certificates()) {
      const auto signer = crypto::Certificate::from_der(certificates->front());
      if (signer) (void)document->verify_enveloped_signature(signer->spki()).has_value();
    }
  }
  constexpr int64_t kTime = 1'750'000'000;
  CHECK(!nvidia::verify_rim(xml, roots.of(Vendor::nvidia_rim), {}, kTime).has_value());
  return 0;
}
