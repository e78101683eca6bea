// Hands the hardware's evidence to its platform's folder.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/hardware.h"

#include "attest/snp/report.h"
#include "attest/snp/verify.h"
#include "attest/tdx/verify.h"

namespace sotto::attest::azure {
namespace {

std::vector<uint8_t> bytes_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

// What IMDS said, under the names that SNP's verification reads.
Result<Collateral> with_thim(const Collateral& collateral, Bytes answer) {
  const ThimCertificates certificates =
      TRY(parse_thim_answer({reinterpret_cast<const char*>(answer.data()), answer.size()}));
  Collateral all = collateral;
  TRY(all.add(std::string(snp::kKeyCertificate), bytes_of(certificates.vcek)));
  TRY(all.add(std::string(snp::kCertificateChain), bytes_of(certificates.chain)));
  return all;
}

Verified<Claims> verify_snp(Bytes bytes, const Collateral& collateral, const Roots& roots,
                            int64_t time) {
  const auto report = TRY(lift("SNP report", snp::parse_report(bytes)));
  const auto answer = collateral.find(kThimBlob);
  if (!answer || collateral.find(snp::kKeyCertificate)) {
    return snp::verify(report, collateral, roots, time);
  }
  const auto all = TRY(lift(kThimBlob, with_thim(collateral, *answer)));
  return snp::verify(report, all, roots, time);
}

}  // namespace

HardwareVerifier hardware_verifier(const Roots& roots, int64_t time) {
  return [&roots, time](HardwareReport kind, Bytes evidence,
                        const Collateral& collateral) -> Verified<Claims> {
    if (kind == HardwareReport::snp) return verify_snp(evidence, collateral, roots, time);
    return tdx::verify_tdx_quote(evidence, collateral, roots, time);
  };
}

}  // namespace sotto::attest::azure
