// Making reports and certificates as AMD's processors and key service do, under a root of the test's.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/signer_for_testing.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace sotto::attest::snp {
namespace {

constexpr int64_t kYear = 365 * 24 * 3600;
constexpr uint64_t kAskSerial = 0x10001;
constexpr uint64_t kAsvkSerial = 0x10101;

std::vector<uint8_t> der(uint8_t type, Bytes content) {
  CHECK(content.size() < 0x80);
  ByteWriter out;
  out.write(type);
  out.write(static_cast<uint8_t>(content.size()));
  out.append(content);
  return out.release();
}

std::vector<uint8_t> der_number(uint8_t value) {
  if (value < 0x80) return {0x02, 1, value};
  return {0x02, 2, 0, value};
}

crypto::Certificate issue_authority(const std::string& name, uint64_t serial,
                                    const crypto::PublicKey& key, const crypto::Certificate* issuer,
                                    const crypto::KeyPair& signer) {
  crypto::CertificateSpec what;
  what.common_name = name;
  what.serial = serial;
  what.not_before = SignerForTesting::kTime - kYear;
  what.not_after = SignerForTesting::kTime + kYear;
  what.is_ca = true;
  if (issuer != nullptr) what.path_length = 0;
  what.key_usage = crypto::kUsageCertSign | (issuer == nullptr ? crypto::kUsageCrlSign : 0);
  what.hash = crypto::HashAlgorithm::sha384;
  what.pss = true;
  return crypto::issue_certificate(what, key, issuer, signer);
}

// 1.3.6.1.4.1.3704.1.3.N in the order of a TCB's bytes.
std::string tcb_oid(Product product, size_t index) {
  constexpr int kOrder[] = {1, 2, 4, 5, 6, 7, 3, 8};
  constexpr int kOrderOfTurin[] = {9, 1, 2, 3, 5, 6, 7, 8};
  const int number = product == Product::turin ? kOrderOfTurin[index] : kOrder[index];
  return fmt::format("1.3.6.1.4.1.3704.1.3.{}", number);
}

constexpr TcbBytes kTcb = {4, 1, 0, 0, 0, 0, 24, 219};
constexpr TcbBytes kTcbOfTurin = {1, 2, 3, 4, 0, 0, 0, 219};

}  // namespace

SignerForTesting::SignerForTesting(Product product, uint32_t rsa_bits)
    : product_(product),
      ark_key_(crypto::KeyType::rsa, rsa_bits),
      ask_key_(crypto::KeyType::rsa, rsa_bits),
      asvk_key_(crypto::KeyType::rsa, rsa_bits),
      report_key_(crypto::KeyType::ec_p384),
      ark_(issue_authority(fmt::format("ARK-{}", to_string(product)), 0x10000,
                           ark_key_.public_key(), nullptr, ark_key_)),
      ask_(issue_authority(fmt::format("SEV-{}", to_string(product)), kAskSerial,
                           ask_key_.public_key(), &ark_, ark_key_)),
      asvk_(issue_authority(fmt::format("SEV-VLEK-{}", to_string(product)), kAsvkSerial,
                            asvk_key_.public_key(), &ark_, ark_key_)) {}

const crypto::Certificate& SignerForTesting::intermediate(SigningKey kind) const {
  return kind == SigningKey::vcek ? ask_ : asvk_;
}

Roots SignerForTesting::roots() const {
  Roots roots;
  roots.replace(Vendor::amd, {ark_}, {ask_, asvk_});
  return roots;
}

std::vector<uint8_t> SignerForTesting::report(SigningKey kind) const {
  std::vector<uint8_t> report(kReportBytes);
  const auto put = [&](uint64_t offset, auto value) {
    std::memcpy(&report[offset], &value, sizeof(value));
  };
  const bool turin = product_ == Product::turin;
  put(0x00, uint32_t{turin ? 5u : 3u});
  put(0x08, kPolicySmt | kPolicyReservedOne);
  put(0x34, uint32_t{1});
  put(0x40, uint64_t{0x25});
  put(0x48, static_cast<uint32_t>(kind) << 2);
  std::fill_n(report.begin() + 0x50, 64, uint8_t{0xd0});   // report data
  std::fill_n(report.begin() + 0x90, 48, uint8_t{0x3e});   // measurement
  std::fill_n(report.begin() + 0x160, 32, uint8_t{0xff});  // no migration agent
  for (const uint64_t offset : {0x38, 0x180, 0x1e0, 0x1f0}) put(offset, turin ? kTcbOfTurin : kTcb);
  report[0x188] = turin ? 0x1a : 0x19;
  report[0x189] = product_ == Product::genoa ? 0x11 : 0x01;
  if (kind == SigningKey::vcek) {
    std::fill_n(report.begin() + 0x1a0, turin ? 8 : 64, uint8_t{0xc1});  // chip id
  }
  for (const uint64_t offset : {0x1e8, 0x1ec}) {
    report[offset] = 29;
    report[offset + 1] = 55;
    report[offset + 2] = 1;
  }
  return report;
}

EndorsementForTesting SignerForTesting::endorsement(SigningKey kind) const {
  EndorsementForTesting what;
  what.kind = kind;
  what.tcb = product_ == Product::turin ? kTcbOfTurin : kTcb;
  what.hwid.assign(product_ == Product::turin ? 8 : 64, 0xc1);
  return what;
}

crypto::Certificate SignerForTesting::issue(const EndorsementForTesting& what) const {
  return issue(what, report_key_.public_key());
}

crypto::Certificate SignerForTesting::issue(const EndorsementForTesting& what,
                                            const crypto::PublicKey& key) const {
  const bool vcek = what.kind == SigningKey::vcek;
  crypto::CertificateSpec certificate;
  certificate.common_name = what.common_name;
  if (certificate.common_name.empty()) certificate.common_name = vcek ? "SEV-VCEK" : "SEV-VLEK";
  certificate.not_before = what.not_before.value_or(kTime - kYear);
  certificate.not_after = what.not_after.value_or(kTime + kYear);
  certificate.key_identifiers = false;
  certificate.hash = crypto::HashAlgorithm::sha384;
  certificate.pss = true;
  const auto add = [&](const std::string& oid, std::vector<uint8_t> value) {
    if (oid != what.extension_left_out) certificate.extensions.push_back({oid, std::move(value)});
  };
  add("1.3.6.1.4.1.3704.1.1", der_number(1));
  const std::string product =
      what.product_name.empty() ? std::string(to_string(product_)) : what.product_name;
  add("1.3.6.1.4.1.3704.1.2", der(0x16, as_bytes(product)));
  for (size_t i = 0; i < what.tcb.size(); ++i) {
    const bool replaced = i == 7 && what.microcode_der;
    add(tcb_oid(product_, i), replaced ? *what.microcode_der : der_number(what.tcb[i]));
  }
  if (vcek) {
    add("1.3.6.1.4.1.3704.1.4", what.wrap_hwid ? der(0x04, what.hwid) : what.hwid);
  } else {
    add("1.3.6.1.4.1.3704.1.5", der(0x16, as_bytes(what.csp_id)));
  }
  const bool by_ask = vcek != what.issued_by_the_other;
  return crypto::issue_certificate(certificate, key, by_ask ? &ask_ : &asvk_,
                                   by_ask ? ask_key_ : asvk_key_);
}

void SignerForTesting::sign(std::vector<uint8_t>& report) const {
  CHECK(report.size() == kReportBytes);
  const auto signature =
      report_key_.sign(crypto::SignatureScheme::ecdsa_raw, crypto::HashAlgorithm::sha384,
                       Bytes(report).first(kSignedBytes));
  CHECK(signature.size() == 96);
  std::reverse_copy(signature.begin(), signature.begin() + 48, report.begin() + 0x2a0);
  std::reverse_copy(signature.begin() + 48, signature.end(), report.begin() + 0x2e8);
}

std::vector<uint8_t> SignerForTesting::revocation_list(std::vector<uint64_t> serials,
                                                       int64_t next_update) const {
  crypto::CrlSpec list;
  list.this_update = kTime - kYear;
  list.next_update = next_update;
  list.revoked_serials = std::move(serials);
  return crypto::issue_crl(list, ark_, ark_key_);
}

}  // namespace sotto::attest::snp
