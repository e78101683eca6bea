// Fuzzes the parser of quotes, and their certificates up to the PCK's extension.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"
#include "attest/tdx/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::attest;
  const Bytes bytes(data, size);
  static const Roots roots = Roots::pinned();
  const Result<tdx::QuoteUnverified> quote = tdx::parse_quote(bytes);
  if (quote && (quote->bytes > size || quote->signed_bytes.size() >= quote->bytes)) std::abort();
  if (quote) {
    const std::vector<uint8_t>& pem = quote->certification_data;
    const auto chain = crypto::parse_pem_chain(
        std::string_view(reinterpret_cast<const char*>(pem.data()), pem.size()));
    if (chain) (void)tdx::parse_pck_platform(chain->front());
  }
  // Without collateral nothing may be verified, whatever the bytes say.
  if (tdx::verify_tdx_quote(bytes, {}, roots, 1'750'000'000)) std::abort();
  if (tdx::verify_sgx_quote(bytes, {}, roots, 1'750'000'000)) std::abort();
  return 0;
}
