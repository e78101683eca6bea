// Making the synthetic SNP reports of testdata/attest/snp-report/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/cases_for_testing.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "attest/snp/verify.h"
#include "base/check.h"

namespace sotto::attest::snp {
namespace {

// What is made right and then changed.
struct Parts {
  std::vector<uint8_t> report;
  EndorsementForTesting key;
  int64_t time = SignerForTesting::kTime;
  bool sign = true;
  bool with_certificate = true;
  std::optional<std::vector<uint64_t>> revoked = {};
  int64_t list_until = SignerForTesting::kTime + 1000;
  const SignerForTesting* issuer = nullptr;  // of the key's certificate, where it is another

  template <class T>
  void put(uint64_t offset, T value) {
    std::memcpy(&report[offset], &value, sizeof(value));
  }
};

class Maker {
 public:
  explicit Maker(const SignerForTesting& signer) : signer_(signer) {}

  void add(const std::string& name, const std::string& verdict, const std::string& rule,
           const std::function<void(Parts&)>& change, SigningKey kind = SigningKey::vcek) {
    Parts parts{signer_.report(kind), signer_.endorsement(kind)};
    change(parts);
    if (parts.sign) signer_.sign(parts.report);
    CaseForTesting one{name, parts.time, verdict, rule, parts.report, {}};
    const auto blob = [&](std::string_view file, std::vector<uint8_t> bytes) {
      CHECK(one.collateral.add(std::string(file), std::move(bytes)));
    };
    if (parts.with_certificate) {
      const auto issued = (parts.issuer != nullptr ? *parts.issuer : signer_).issue(parts.key);
      blob(kKeyCertificate, {issued.der().begin(), issued.der().end()});
    }
    const std::string chain = crypto::pem_of(
        {signer_.intermediate(SigningKey::vcek), signer_.intermediate(SigningKey::vlek)});
    blob(kCertificateChain, {chain.begin(), chain.end()});
    if (parts.revoked) {
      blob(kRevocationList, signer_.revocation_list(*parts.revoked, parts.list_until));
    }
    cases_.push_back(std::move(one));
  }

  std::vector<CaseForTesting> take() { return std::move(cases_); }

 private:
  const SignerForTesting& signer_;
  std::vector<CaseForTesting> cases_;
};

void add_good(Maker& maker) {
  maker.add("good-vcek", "verified", "-", [](Parts&) {});
  maker.add("good-vlek", "verified", "-", [](Parts&) {}, SigningKey::vlek);
  maker.add("good-with-list", "verified", "-", [](Parts& it) { it.revoked = {0x20001}; });
  maker.add("good-hidden-chip", "verified", "-",
            [](Parts& it) { std::fill_n(it.report.begin() + 0x1a0, 64, uint8_t{0}); });
}

void add_formats(Maker& maker) {
  const auto add = [&](const char* name, const char* verdict, auto change) {
    maker.add(name, verdict, "report-format", change);
  };
  add("short", "malformed", [](Parts& it) {
    it.sign = false;
    it.report.pop_back();
  });
  add("version", "unsupported", [](Parts& it) { it.put(0, uint32_t{6}); });
  add("algorithm", "unsupported", [](Parts& it) { it.put(0x34, uint32_t{2}); });
  add("unsigned", "unsigned-evidence", [](Parts& it) { it.put(0x48, uint32_t{7 << 2}); });
  add("masked-key", "unsigned-evidence", [](Parts& it) { it.put(0x48, uint32_t{2}); });
  add("unknown-key", "unsupported", [](Parts& it) { it.put(0x48, uint32_t{2 << 2}); });
  add("behind-signature", "malformed", [](Parts& it) { it.report.back() = 1; });
}

void add_chains(Maker& maker, const SignerForTesting& other) {
  maker.add("no-certificate", "missing-collateral", "key-certificate",
            [](Parts& it) { it.with_certificate = false; });
  maker.add("other-root", "bad-signature", "amd-chain", [&](Parts& it) { it.issuer = &other; });
  maker.add("expired", "expired", "amd-chain", [](Parts& it) { it.key.not_after = it.time - 1; });
  maker.add("not-yet-valid", "not-yet-valid", "amd-chain",
            [](Parts& it) { it.key.not_before = it.time + 1; });
  maker.add("no-chip-extension", "malformed", "amd-extensions",
            [](Parts& it) { it.key.extension_left_out = "1.3.6.1.4.1.3704.1.4"; });
  maker.add("unknown-product", "unsupported", "amd-extensions",
            [](Parts& it) { it.key.product_name = "Venice"; });
  maker.add("other-intermediate", "chain-invalid", "amd-issuers",
            [](Parts& it) { it.key.issued_by_the_other = true; });
  maker.add("other-product", "chain-invalid", "amd-issuers",
            [](Parts& it) { it.key.product_name = "Genoa"; });
  maker.add("revoked", "revoked", "revocation", [](Parts& it) { it.revoked = {0x10001}; });
  maker.add("list-expired", "expired", "revocation", [](Parts& it) {
    it.revoked.emplace();
    it.list_until = it.time - 1;
  });
}

void add_bindings(Maker& maker, const SignerForTesting& signer) {
  maker.add("vlek-for-vcek", "wrong-collateral", "signing-key",
            [&](Parts& it) { it.key = signer.endorsement(SigningKey::vlek); });
  maker.add("unknown-processor", "unsupported", "processor",
            [](Parts& it) { it.report[0x188] = 0x17; });
  maker.add("other-processor", "wrong-collateral", "product",
            [](Parts& it) { it.report[0x189] = 0x11; });
  maker.add("changed", "bad-signature", "report-signature", [&](Parts& it) {
    signer.sign(it.report);
    it.report[0x90] ^= 1;
    it.sign = false;
  });
  maker.add("other-chip", "binding-mismatch", "chip-id", [](Parts& it) { it.key.hwid[0] ^= 1; });
  maker.add("other-tcb", "binding-mismatch", "tcb", [](Parts& it) { it.key.tcb[7] -= 1; });
}

void add_contents(Maker& maker) {
  maker.add("policy-bits", "unsupported", "policy-bits",
            [](Parts& it) { it.put(0x08, kPolicySmt | kPolicyReservedOne | uint64_t{1} << 63); });
  maker.add("vmpl-4", "malformed", "vmpl", [](Parts& it) { it.put(0x30, uint32_t{4}); });
  maker.add("tcb-rolled-back", "tcb-not-supported", "tcb-order",
            [](Parts& it) { it.report[0x38 + 7] -= 1; });
  maker.add("firmware-rolled-back", "tcb-not-supported", "firmware-order",
            [](Parts& it) { it.report[0x1e9] -= 1; });
  maker.add("ids-without-block", "malformed", "id-block", [](Parts& it) { it.report[0x20] = 1; });
  maker.add("debug", "debug", "debug",
            [](Parts& it) { it.put(0x08, kPolicySmt | kPolicyReservedOne | kPolicyDebug); });
  maker.add("migration", "policy", "flag migratable",
            [](Parts& it) { it.put(0x08, kPolicySmt | kPolicyReservedOne | kPolicyMigration); });
  maker.add("vmpl-2", "policy", "note vmpl", [](Parts& it) { it.put(0x30, uint32_t{2}); });
}

}  // namespace

std::vector<CaseForTesting> make_cases_for_testing(const SignerForTesting& signer) {
  CHECK(signer.product() == Product::milan);  // whose layout these changes are of
  const SignerForTesting other(Product::milan);
  Maker maker(signer);
  add_good(maker);
  add_formats(maker);
  add_chains(maker, other);
  add_bindings(maker, signer);
  add_contents(maker);
  return maker.take();
}

}  // namespace sotto::attest::snp
