// Making the synthetic documents of testdata/attest/nitro-document/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nitro/cases_for_testing.h"

#include <algorithm>
#include <functional>

namespace sotto::attest::nitro {
namespace {

constexpr int64_t kTime = SignerForTesting::kTime;

class Maker {
 public:
  explicit Maker(const SignerForTesting& signer) : signer_(signer) {}

  void add(const std::string& name, const std::string& verdict, const std::string& rule,
           const std::function<void(DocumentForTesting&)>& change, int64_t time = kTime) {
    DocumentForTesting document = signer_.document();
    change(document);
    add_bytes(name, verdict, rule, signer_.sign(document), time);
  }

  // By a leaf that is wrong.
  void add_leaf(const std::string& name, const std::string& verdict, const std::string& rule,
                const std::function<void(LeafForTesting&)>& change) {
    const SignerForTesting other = signer_.with_leaf(change);
    add_bytes(name, verdict, rule, other.sign(other.document()));
  }

  void add_bytes(const std::string& name, const std::string& verdict, const std::string& rule,
                 std::vector<uint8_t> bytes, int64_t time = kTime) {
    cases_.push_back({name, time, verdict, rule, std::move(bytes), {}});
  }

  std::vector<CaseForTesting> take() { return std::move(cases_); }

 private:
  const SignerForTesting& signer_;
  std::vector<CaseForTesting> cases_;
};

using Document = DocumentForTesting;

void add_good(Maker& maker, const SignerForTesting& signer) {
  maker.add("good", "verified", "-", [](Document& it) { it.user_data.emplace(64, 1); });
  maker.add("good-definite", "verified", "-", [](Document& it) { it.indefinite = false; });
  maker.add("good-tpm", "verified", "-", [](Document& it) {
    it.pcrs_name = "nitrotpm_pcrs";
    it.nonce.emplace(32, 2);
  });
  auto tagged = signer.sign(signer.document());
  tagged.insert(tagged.begin(), 0xd2);
  maker.add_bytes("good-tagged", "verified", "-", tagged);
}

void add_formats(Maker& maker, const SignerForTesting& signer) {
  const auto add = [&](const char* name, const char* verdict, auto change) {
    maker.add(name, verdict, "document-format", change);
  };
  add("no-nonce-but-two", "malformed", [](Document& it) {
    it.more = [](cbor::Writer& out) {
      out.text("nonce");
      out.null();
    };
  });
  add("unknown-field", "unsupported", [](Document& it) {
    it.more = [](cbor::Writer& out) {
      out.text("more");
      out.null();
    };
  });
  add("no-timestamp", "malformed", [](Document& it) { it.left_out = "timestamp"; });
  add("other-digest", "unsupported", [](Document& it) { it.digest = "SHA512"; });
  add("short-pcr", "malformed", [](Document& it) { it.pcrs[5].pop_back(); });
  add("pcr-32", "malformed", [](Document& it) { it.pcrs[32].assign(48, 1); });
  add("empty-bundle", "malformed", [](Document& it) { it.cabundle.clear(); });
  add("long-user-data", "malformed", [](Document& it) { it.user_data.emplace(1025, 1); });
  const auto payload = SignerForTesting::payload(signer.document());
  maker.add_bytes("es256", "unsupported", "document-format", signer.sign(payload, -7));
  auto cut = signer.sign(payload);
  cut.pop_back();
  maker.add_bytes("cut", "malformed", "document-format", cut);
}

void add_rules(Maker& maker, const SignerForTesting& signer) {
  maker.add("future", "not-yet-valid", "issued-at", [](Document&) {}, kTime - 1000);
  maker.add(
      "after-leaf", "expired", "aws-chain",
      [](Document& it) { it.timestamp_ms += 4 * 3600 * 1000; }, kTime + 5 * 3600);
  maker.add("before-leaf", "not-yet-valid", "aws-chain",
            [](Document& it) { it.timestamp_ms -= 60'000; });
  maker.add("gap-in-bundle", "untrusted-root", "aws-chain",
            [](Document& it) { it.cabundle.erase(it.cabundle.begin() + 1); });
  maker.add_leaf("issuer-no-ca", "chain-invalid", "aws-chain", [](LeafForTesting& it) {
    it.issuer_is_ca = false;
    it.issuers_path_length = {};
  });
  const SignerForTesting other;
  maker.add_bytes("other-root", "untrusted-root", "aws-chain", other.sign(other.document()));
  maker.add("bundle-swapped", "chain-invalid", "cabundle",
            [](Document& it) { std::swap(it.cabundle[1], it.cabundle[2]); });
  maker.add_leaf("leaf-issues", "chain-invalid", "leaf-usage", [](LeafForTesting& it) {
    it.certificate.key_usage = crypto::kUsageDigitalSignature | crypto::kUsageCertSign;
  });
  maker.add_bytes("other-key", "bad-signature", "document-signature",
                  other.sign(signer.document()));
  maker.add("no-pcr1", "malformed", "image-pcrs", [](Document& it) { it.pcrs.erase(1); });
  maker.add("debug", "debug", "debug", [](Document& it) {
    for (auto& [index, value] : it.pcrs) value.assign(48, 0);
  });
}

}  // namespace

std::vector<CaseForTesting> make_cases_for_testing(const SignerForTesting& signer) {
  Maker maker(signer);
  add_good(maker, signer);
  add_formats(maker, signer);
  add_rules(maker, signer);
  return maker.take();
}

}  // namespace sotto::attest::nitro
