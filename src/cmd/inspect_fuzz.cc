// Any bytes as a file for `sotto inspect`: by its content alone, and as each kind by name.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cmd/describe_evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  constexpr std::string_view kKinds[] = {
      "snp-report", "azure-hcl-report",  "tdx-quote",   "sgx-quote",          "bundle",
      "tpm-quote",  "nitro-document",    "certificate", "revocation-list",    "token",
      "event-log",  "nvidia-gpu-report", "no-kind",     "canonical-event-log"};
  const Bytes bytes(data, size);
  const auto described = cmd::describe_evidence(bytes);
  if (described) CHECK(!boost::json::serialize(described->fields).empty());
  bool any = false;
  for (const std::string_view kind : kKinds) any |= cmd::describe_as(kind, bytes).has_value();
  // What is told by its content is one of the kinds.
  CHECK(!described || any);
  return 0;
}
