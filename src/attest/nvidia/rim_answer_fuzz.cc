// Any bytes as an answer of NVIDIA's service of manifests.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/nvidia/rim_service.h"
#include "attest/nvidia/xml_document.h"
#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest;
  const auto xml = nvidia::parse_rim_answer(as_text({data, size}), "NV_GPU_DRIVER_GH100_1");
  if (xml) CHECK(!xml->empty() && xml->size() <= nvidia::kXmlBytesMax);
  return 0;
}
