// Fuzzes parse_certificate_table(): no input of a host's may crash it or make it copy more than there
// is.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/collect/sev_guest.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto table = sotto::attest::collect::parse_certificate_table(sotto::Bytes(data, size));
  if (!table) return 0;
  for (const auto* slot : {&table->vcek, &table->vlek, &table->ask, &table->ark, &table->crl}) {
    CHECK(slot->size() <= size);
  }
  return 0;
}
