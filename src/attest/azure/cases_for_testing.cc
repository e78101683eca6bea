// Making the synthetic reports of testdata/attest/azure-hcl-report/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/cases_for_testing.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "attest/azure/verify.h"
#include "attest/event_log/algorithms.h"
#include "attest/snp/verify.h"
#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest::azure {
namespace {

constexpr size_t kReportData = 0x50;  // in an SNP report

// What is made right and then changed: before the hash is put in place, and after that.
struct Parts {
  HclForTesting hcl;
  tpm::QuoteEvidence quote;
  std::function<void(std::vector<uint8_t>&)> spoil_hardware = {};  // before it is signed
  bool sign = true;
  bool with_certificate = true;
  bool with_quote = true;
  std::function<void(std::vector<uint8_t>&)> spoil_report = {};  // at the very end
};

void replace(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  CHECK(at != text.npos);
  text.replace(at, from.size(), to);
}

class Maker {
 public:
  Maker(const snp::SignerForTesting& amd, const tpm::VendorForTesting& vtpm)
      : amd_(amd), vtpm_(vtpm) {}

  void add(const std::string& name, const std::string& verdict, const std::string& rule,
           const std::function<void(Parts&)>& change) {
    Parts parts;
    parts.hcl.json = runtime_json_for_testing(vtpm_.rsa().public_key());
    parts.hcl.hardware = amd_.report();
    parts.quote = vtpm_.quote(vtpm_.rsa(), tpm::Scheme::rsassa, event_log::kSha256);
    parts.quote.key.clear();
    parts.quote.certificate.clear();
    change(parts);
    bind(parts);
    CaseForTesting one{name, snp::SignerForTesting::kTime,   verdict,
                       rule, marshal_for_testing(parts.hcl), {}};
    if (parts.spoil_report) parts.spoil_report(one.evidence);
    add_collateral(parts, one.collateral);
    cases_.push_back(std::move(one));
  }

  const tpm::VendorForTesting& vtpm() const { return vtpm_; }
  std::vector<CaseForTesting> take() { return std::move(cases_); }

 private:
  void bind(Parts& parts) const {
    const uint16_t algorithm = parts.hcl.hash_type == 2 ? event_log::kSha384 : event_log::kSha256;
    const auto hash = event_log::hash(algorithm, {as_bytes(parts.hcl.json)});
    CHECK(hash.has_value());
    auto data = parts.hcl.hardware.begin() + kReportData;
    std::fill_n(data, 64, uint8_t{0});
    std::ranges::copy(*hash, data);
    if (parts.spoil_hardware) parts.spoil_hardware(parts.hcl.hardware);
    if (parts.sign) amd_.sign(parts.hcl.hardware);
  }

  void add_collateral(const Parts& parts, Collateral& collateral) const {
    const auto blob = [&](std::string_view file, Bytes bytes) {
      CHECK(collateral.add(std::string(file), {bytes.begin(), bytes.end()}));
    };
    if (parts.with_certificate) {
      blob(snp::kKeyCertificate, amd_.issue(amd_.endorsement()).der());
    }
    const std::string chain = crypto::pem_of({amd_.intermediate(snp::SigningKey::vcek)});
    blob(snp::kCertificateChain, as_bytes(chain));
    if (parts.with_quote) blob(kTpmQuoteBlob, as_bytes(tpm::serialize(parts.quote)));
  }

  const snp::SignerForTesting& amd_;
  const tpm::VendorForTesting& vtpm_;
  std::vector<CaseForTesting> cases_;
};

void add_good(Maker& maker) {
  maker.add("good", "verified", "-", [](Parts&) {});
  maker.add("good-sha384", "verified", "-", [](Parts& it) { it.hcl.hash_type = 2; });
  maker.add("good-bare-signature", "verified", "-", [](Parts& it) {
    it.quote.signature.erase(it.quote.signature.begin(), it.quote.signature.begin() + 6);
  });
  maker.add("good-older", "verified", "-", [](Parts& it) {
    it.hcl.version = 1;
    it.hcl.trailing.clear();
  });
}

void add_formats(Maker& maker) {
  const auto add = [&](const char* name, const char* verdict, auto change) {
    maker.add(name, verdict, "hcl-report", change);
  };
  add("short", "malformed",
      [](Parts& it) { it.spoil_report = [](auto& bytes) { bytes.resize(1500); }; });
  add("signature", "malformed", [](Parts& it) { it.hcl.signature = "HCLB"; });
  add("version-3", "unsupported", [](Parts& it) { it.hcl.version = 3; });
  add("request-type", "malformed", [](Parts& it) { it.hcl.request_type = 1; });
  add("status", "malformed", [](Parts& it) { it.hcl.status = 1; });
  add("reserved", "malformed",
      [](Parts& it) { it.spoil_report = [](auto& bytes) { bytes[20] = 1; }; });
  add("report-size", "malformed",
      [](Parts& it) { it.spoil_report = [](auto& bytes) { bytes[8] ^= 1; }; });
  add("vbs", "unsupported", [](Parts& it) { it.hcl.kind = 1; });
  add("hash-unknown", "unsupported", [](Parts& it) { it.hcl.hash_type = 4; });
  add("trailing", "malformed", [](Parts& it) { it.hcl.trailing.back() = 1; });
  add("json-broken", "malformed", [](Parts& it) { it.hcl.json.pop_back(); });
  add("json-without-key", "malformed",
      [](Parts& it) { replace(it.hcl.json, "HCLAkPub", "HCLBkPub"); });
  add("json-with-two-keys", "malformed",
      [](Parts& it) { replace(it.hcl.json, "HCLEkPub", "HCLAkPub"); });
  add("json-other-key-type", "unsupported",
      [](Parts& it) { replace(it.hcl.json, "\"RSA\"", "\"EC\""); });
  add("json-flag-no-boolean", "malformed",
      [](Parts& it) { replace(it.hcl.json, "\"secure-boot\":true", "\"secure-boot\":1"); });
  add("json-short-user-data", "malformed",
      [](Parts& it) { replace(it.hcl.json, "\"user-data\":\"00", "\"user-data\":\""); });
}

void add_bindings(Maker& maker) {
  maker.add("without-certificate", "missing-collateral", "key-certificate",
            [](Parts& it) { it.with_certificate = false; });
  maker.add("hardware-not-signed", "bad-signature", "report-signature",
            [](Parts& it) { it.sign = false; });
  maker.add("other-runtime-data", "binding-mismatch", "hcl-runtime-binding",
            [](Parts& it) { it.spoil_hardware = [](auto& report) { report[kReportData] ^= 1; }; });
  maker.add("more-report-data", "binding-mismatch", "hcl-runtime-binding", [](Parts& it) {
    it.spoil_hardware = [](auto& report) { report[kReportData + 63] = 1; };
  });
  maker.add("json-short-modulus", "unsupported", "hcl-vtpm-key", [](Parts& it) {
    const size_t at = it.hcl.json.find("\"n\":\"") + 5;
    it.hcl.json.replace(at, 340, std::string(340, 'A'));
  });
  maker.add("quote-no-json", "malformed", "tpm-evidence",
            [](Parts& it) { it.quote.attest.clear(); });
  maker.add("quote-by-another", "bad-signature", "tpm-quote-signature", [](Parts& it) {
    const tpm::VendorForTesting another;
    it.quote = another.quote(another.rsa(), tpm::Scheme::rsassa, event_log::kSha256);
  });
  maker.add("quote-with-pss", "bad-signature", "tpm-quote-signature", [&](Parts& it) {
    it.quote = maker.vtpm().quote(maker.vtpm().rsa(), tpm::Scheme::rsapss, event_log::kSha256);
  });
  maker.add("quote-register-changed", "measurement-mismatch", "tpm-pcr-digest",
            [](Parts& it) { it.quote.pcrs[event_log::kSha256][4][0] ^= 1; });
}

}  // namespace

std::vector<uint8_t> marshal_for_testing(const HclForTesting& report) {
  constexpr uint32_t kHeaders = 32 + kHardwareReportBytes + 20;
  const auto json_bytes = static_cast<uint32_t>(report.json.size());
  std::vector<uint8_t> hardware = report.hardware;
  hardware.resize(kHardwareReportBytes);
  ByteWriter out;
  out.append(report.signature);
  out.write(report.version);
  out.write(kHeaders + json_bytes);
  out.write(report.request_type);
  out.write(report.status);
  out.append(std::vector<uint8_t>(12));
  out.append(hardware);
  out.write(20 + json_bytes);
  out.write<uint32_t>(1);
  out.write(report.kind);
  out.write(report.hash_type);
  out.write(json_bytes);
  out.append(report.json);
  out.append(report.trailing);
  return out.release();
}

std::string runtime_json_for_testing(const crypto::PublicKey& key) {
  const std::string modulus = base64_of(tpm::modulus_for_testing(key), Base64::url);
  const std::string jwk = "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" + modulus + "\"}";
  return "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"]," + jwk +
         ",{\"kid\":\"HCLEkPub\",\"key_ops\":[\"encrypt\"]," + jwk +
         "],\"vm-configuration\":{\"console-enabled\":true,\"secure-boot\":true,"
         "\"tpm-enabled\":true,\"vmUniqueId\":\"TEST\"},\"user-data\":\"" +
         std::string(2 * kUserDataBytes, '0') + "\"}";
}

std::vector<CaseForTesting> make_hcl_cases_for_testing(const snp::SignerForTesting& amd,
                                                       const tpm::VendorForTesting& vtpm) {
  Maker maker(amd, vtpm);
  add_good(maker);
  add_formats(maker);
  add_bindings(maker);
  return maker.take();
}

}  // namespace sotto::attest::azure
