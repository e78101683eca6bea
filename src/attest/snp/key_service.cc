// Building the key service's addresses.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/key_service.h"

#include <algorithm>

#include "base/text_encoding.h"

namespace sotto::attest::snp {
namespace {

constexpr size_t kChipBytesOfTurin = 8;

std::string base_of(std::string_view service, SigningKey key, Product product) {
  return fmt::format("{}/{}/v1/{}", service, key == SigningKey::vcek ? "vcek" : "vlek",
                     to_string(product));
}

}  // namespace

Result<std::string> key_certificate_url(const ReportUnverified& report, Product product,
                                        std::string_view service) {
  if (report.signing_key != SigningKey::vcek) {
    return fail(ErrorKind::unsupported, "a VLEK's certificate comes from its cloud provider");
  }
  if (std::ranges::all_of(report.chip_id, [](uint8_t byte) { return byte == 0; })) {
    return fail(ErrorKind::unsupported, "the host hides the chip's identity");
  }
  const bool turin = product == Product::turin;
  const Bytes chip = Bytes(report.chip_id).first(turin ? kChipBytesOfTurin : report.chip_id.size());
  const TcbVersion tcb = decode_tcb(report.reported_tcb, product);
  const std::string fmc = tcb.fmc ? fmt::format("fmcSPL={:02}&", *tcb.fmc) : std::string();
  return fmt::format("{}/{}?{}blSPL={:02}&teeSPL={:02}&snpSPL={:02}&ucodeSPL={:02}",
                     base_of(service, SigningKey::vcek, product), hex_of(chip), fmc,
                     tcb.boot_loader, tcb.tee, tcb.snp, tcb.microcode);
}

std::string certificate_chain_url(SigningKey key, Product product, std::string_view service) {
  return base_of(service, key, product) + "/cert_chain";
}

std::string revocation_list_url(SigningKey key, Product product, std::string_view service) {
  return base_of(service, key, product) + "/crl";
}

}  // namespace sotto::attest::snp
