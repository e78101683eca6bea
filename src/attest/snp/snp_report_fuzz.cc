// Fuzzes parse_report(), parse_endorsement() and verify(): a report and, behind it, its key's
// certificate. No input may crash them, and none is verified without a signature.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attest/snp/endorsement.h"
#include "attest/snp/verify.h"
#include "base/check.h"

namespace {

using namespace sotto;
using namespace sotto::attest;

constexpr int64_t kTime = 1'750'000'000;

void check_parsed(const snp::ReportUnverified& report, Bytes bytes) {
  CHECK(report.version >= snp::kVersionMin && report.version <= snp::kVersionMax);
  CHECK(report.cpu.has_value() == (report.version >= 3));
  CHECK(std::ranges::equal(report.signed_bytes, bytes.first(snp::kSignedBytes)));
  (void)snp::product_of(report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Roots roots = Roots::pinned();
  const Bytes bytes(data, size);
  const Bytes first = bytes.first(std::min<size_t>(size, snp::kReportBytes));
  const Bytes rest = bytes.subspan(first.size());
  if (const auto certificate = crypto::Certificate::from_der(rest)) {
    (void)snp::parse_endorsement(*certificate);
  }
  const auto report = snp::parse_report(first);
  if (!report) return 0;
  check_parsed(*report, first);
  Collateral collateral;
  CHECK(collateral.add(std::string(snp::kKeyCertificate), {rest.begin(), rest.end()}) ||
        rest.size() > kCollateralBytesMax);
  const auto claims = snp::verify_snp_report(first, collateral, roots, kTime);
  CHECK(claims || !claims.error().rules.empty());
  return 0;
}
