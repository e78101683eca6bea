// Making the synthetic quotes of testdata/attest/tpm-quote/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/cases_for_testing.h"

#include <functional>

#include "attest/event_log/algorithms.h"
#include "attest/tpm/quote.h"
#include "attest/tpm/wire.h"
#include "base/check.h"

namespace sotto::attest::tpm {
namespace {

using event_log::kSha1;
using event_log::kSha256;
using event_log::kSha384;

constexpr int64_t kTime = VendorForTesting::kTime;
constexpr uint16_t kSm3 = 0x0012;

// What is made right and then changed, before and after it is signed.
struct Parts {
  QuoteForTesting quote;
  QuoteEvidence evidence;
  int64_t time = kTime;
};

class Maker {
 public:
  explicit Maker(const VendorForTesting& vendor) : vendor_(vendor) {}

  // Changes good evidence of an ECDSA key, whose signature stays as it was.
  void add(const std::string& name, const std::string& verdict, const std::string& rule,
           const std::function<void(Parts&)>& change) {
    Parts parts;
    parts.evidence = vendor_.quote(vendor_.p256(), Scheme::ecdsa, kSha256);
    change(parts);
    add_evidence(name, verdict, rule, serialize(parts.evidence), parts.time);
  }

  // Changes the quote, and signs it.
  void add_signed(const std::string& name, const std::string& verdict, const std::string& rule,
                  const std::function<void(Parts&)>& change) {
    add(name, verdict, rule, [&](Parts& it) {
      it.quote.qualified_signer = qualified_signer_for_testing(it.evidence.key);
      it.quote.extra_data = nonce_for_testing();
      it.quote.selections = {{kSha256, {0x11, 0x08, 0x00}}};
      it.quote.pcr_digest = digest_of(it.evidence);
      change(it);
      it.evidence.attest = marshal_for_testing(it.quote);
      const auto raw = vendor_.p256().sign(crypto::SignatureScheme::ecdsa_raw,
                                           crypto::HashAlgorithm::sha256, it.evidence.attest);
      it.evidence.signature = marshal_signature_for_testing(Scheme::ecdsa, kSha256, raw);
    });
  }

  void add_evidence(const std::string& name, const std::string& verdict, const std::string& rule,
                    const std::string& json, int64_t time = kTime) {
    cases_.push_back({name, time, verdict, rule, {json.begin(), json.end()}, {}});
  }

  static std::vector<uint8_t> digest_of(const QuoteEvidence& evidence) {
    const auto digest = pcr_digest({{kSha256, 0x0811}}, evidence.pcrs, kSha256);
    CHECK(digest.has_value());
    return *digest;
  }

  const VendorForTesting& vendor() const { return vendor_; }
  std::vector<CaseForTesting> take() { return std::move(cases_); }

 private:
  const VendorForTesting& vendor_;
  std::vector<CaseForTesting> cases_;
};

// A log of one event for each of these: PCR and data; crypto-agile with SHA-256 alone.
std::vector<uint8_t> make_log(const std::vector<std::pair<uint32_t, std::string>>& events,
                              uint16_t algorithm = kSha256) {
  constexpr uint32_t kIpl = 0x0d, kNoAction = 3;
  const auto size = algorithm == kSha256 ? uint16_t{32} : uint16_t{20};
  ByteWriter log;
  log.write<uint32_t>(0);
  log.write(kNoAction);
  log.append(std::vector<uint8_t>(20));
  log.write<uint32_t>(33);
  log.append(std::string_view("Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0", 28));
  log.write(algorithm);
  log.write(size);
  log.write<uint8_t>(0);
  for (const auto& [pcr, data] : events) {
    log.write(pcr);
    log.write(kIpl);
    log.write<uint32_t>(1);
    log.write(algorithm);
    const auto digest = event_log::hash(algorithm, {as_bytes(data)});
    CHECK(digest.has_value());
    log.append(*digest);
    log.write(static_cast<uint32_t>(data.size()));
    log.append(data);
  }
  return log.release();
}

// The registers are what the log makes of them.
void add_log(Parts& it, const std::string& loader) {
  auto& bank = it.evidence.pcrs[kSha256];
  const auto digest = event_log::hash(kSha256, {as_bytes(loader)});
  bank[4] = *event_log::hash(kSha256, {std::vector<uint8_t>(32), *digest});
  bank[0] = bank[11] = std::vector<uint8_t>(32);
  it.quote.pcr_digest = Maker::digest_of(it.evidence);
  it.evidence.event_log = make_log({{4, loader}});
}

void add_good(Maker& maker) {
  const VendorForTesting& vendor = maker.vendor();
  const auto add = [&](const char* name, const crypto::KeyPair& signer, Scheme scheme,
                       uint16_t hash) {
    maker.add(name, "verified", "-",
              [&](Parts& it) { it.evidence = vendor.quote(signer, scheme, hash); });
  };
  add("good-ecdsa-p256", vendor.p256(), Scheme::ecdsa, kSha256);
  add("good-ecdsa-p384", vendor.p384(), Scheme::ecdsa, kSha384);
  add("good-rsassa", vendor.rsa(), Scheme::rsassa, kSha256);
  add("good-rsapss", vendor.rsa(), Scheme::rsapss, kSha256);
  maker.add_signed("good-without-scheme", "verified", "-", [&](Parts& it) {
    it.evidence.key = public_area_for_testing(vendor.p256().public_key(), Scheme::null, 0);
    it.quote.qualified_signer = qualified_signer_for_testing(it.evidence.key);
  });
  maker.add("good-filled-certificate", "verified", "-",
            [](Parts& it) { it.evidence.certificate.resize(1024); });
  maker.add_signed("good-event-log", "verified", "-", [](Parts& it) { add_log(it, "loader"); });
}

void add_containers(Maker& maker) {
  maker.add_evidence("not-json", "malformed", "tpm-evidence", "TPM");
  maker.add_evidence("without-quote", "malformed", "tpm-evidence",
                     R"({"version":1,"signature":"AA","pcrs":{}})");
  maker.add_evidence("unknown-field", "malformed", "tpm-evidence",
                     R"({"version":1,"quote":"AA","signature":"AA","pcrs":{},"extra":1})");
  maker.add_evidence("version-2", "unsupported", "tpm-evidence",
                     R"({"version":2,"quote":"AA","signature":"AA","pcrs":{}})");
}

void add_keys(Maker& maker) {
  const VendorForTesting& vendor = maker.vendor();
  const crypto::PublicKey& key = vendor.p256().public_key();
  maker.add("key-short", "malformed", "tpm-key", [](Parts& it) { it.evidence.key.pop_back(); });
  maker.add("key-symmetric", "unsupported", "tpm-key",
            [](Parts& it) { it.evidence.key[1] = 0x25; });
  maker.add("key-off-curve", "malformed", "tpm-key",
            [](Parts& it) { it.evidence.key.back() ^= 1; });
  maker.add("key-name-of-sm3", "unsupported", "tpm-key-name",
            [](Parts& it) { it.evidence.key[3] = kSm3; });
  const auto attribute = [&](const char* name, uint32_t attributes) {
    maker.add(name, "identity-mismatch", "tpm-key-attributes", [&](Parts& it) {
      it.evidence.key = public_area_for_testing(key, Scheme::ecdsa, kSha256, attributes);
    });
  };
  attribute("key-not-restricted", 0x50072 & ~kRestricted);
  attribute("key-not-signing", 0x50072 & ~kSign);
  attribute("key-decrypting", 0x50072 | kDecrypt);
  attribute("key-not-fixed", 0x50072 & ~kFixedTpm);
  attribute("key-imported", 0x50072 & ~kSensitiveDataOrigin);
  maker.add("key-with-another-attribute", "binding-mismatch", "tpm-key-primary", [&](Parts& it) {
    it.evidence.key = public_area_for_testing(key, Scheme::ecdsa, kSha256, 0x50072 | 1 << 10);
  });
  maker.add("key-of-another", "binding-mismatch", "tpm-key-certificate", [&](Parts& it) {
    it.evidence.key = public_area_for_testing(vendor.p384().public_key(), Scheme::ecdsa, kSha384);
  });
}

void add_chains(Maker& maker) {
  const VendorForTesting& vendor = maker.vendor();
  const auto certify = [](Parts& it, const VendorForTesting& by, const crypto::PublicKey& key,
                          int64_t from, int64_t until) {
    const crypto::Certificate certificate = by.certify(key, from, until);
    it.evidence.certificate = {certificate.der().begin(), certificate.der().end()};
  };
  const crypto::PublicKey& key = vendor.p256().public_key();
  maker.add("certificate-short", "malformed", "tpm-key-certificate",
            [](Parts& it) { it.evidence.certificate.pop_back(); });
  maker.add("without-certificate", "untrusted-root", "tpm-key-chain",
            [](Parts& it) { it.evidence.certificate.clear(); });
  maker.add("certificate-of-stranger", "untrusted-root", "tpm-key-chain", [&](Parts& it) {
    const VendorForTesting stranger;
    certify(it, stranger, key, kTime - 10, kTime + 10);
  });
  maker.add("certificate-expired", "expired", "tpm-key-chain",
            [&](Parts& it) { certify(it, vendor, key, kTime - 20, kTime - 10); });
  maker.add("certificate-of-tomorrow", "not-yet-valid", "tpm-key-chain",
            [&](Parts& it) { certify(it, vendor, key, kTime + 10, kTime + 20); });
}

void add_signatures(Maker& maker) {
  const VendorForTesting& vendor = maker.vendor();
  constexpr auto kRule = "tpm-quote-signature";
  maker.add("signature-changed", "bad-signature", kRule,
            [](Parts& it) { it.evidence.signature.back() ^= 1; });
  maker.add("quote-changed", "bad-signature", kRule,
            [](Parts& it) { it.evidence.attest[50] ^= 1; });
  maker.add("signature-by-another", "bad-signature", kRule, [&](Parts& it) {
    const crypto::KeyPair another(crypto::KeyType::ec_p256);
    it.evidence.signature = vendor.quote(another, Scheme::ecdsa, kSha256).signature;
  });
  maker.add("signature-of-another-hash", "bad-signature", kRule, [&](Parts& it) {
    it.evidence.signature = vendor.quote(vendor.p256(), Scheme::ecdsa, kSha384).signature;
  });
  maker.add("signature-short", "malformed", kRule,
            [](Parts& it) { it.evidence.signature.pop_back(); });
  maker.add("signature-without-scheme", "malformed", kRule,
            [](Parts& it) { it.evidence.signature[1] = 0x10; });
  maker.add("signature-ecdaa", "unsupported", kRule,
            [](Parts& it) { it.evidence.signature[1] = 0x1a; });
  maker.add("signature-over-sha1", "unsupported", kRule, [&](Parts& it) {
    it.evidence.key = public_area_for_testing(vendor.p256().public_key(), Scheme::ecdsa, kSha1);
    it.evidence.signature[3] = kSha1;
  });
}

void add_quotes(Maker& maker) {
  constexpr auto kRule = "tpm-quote";
  maker.add_signed("magic", "malformed", kRule, [](Parts& it) { it.quote.magic ^= 1; });
  maker.add_signed("certification", "unsupported", kRule,
                   [](Parts& it) { it.quote.type = 0x8017; });
  maker.add_signed("trailing", "malformed", kRule, [](Parts& it) { it.quote.trailing = {0}; });
  maker.add_signed("no-selection", "malformed", kRule,
                   [](Parts& it) { it.quote.selections.clear(); });
  maker.add_signed("bank-twice", "malformed", kRule, [](Parts& it) {
    it.quote.selections = {{kSha256, {1, 0, 0}}, {kSha256, {2, 0, 0}}};
  });
  maker.add_signed("selection-of-32", "malformed", kRule,
                   [](Parts& it) { it.quote.selections = {{kSha256, {1, 0, 0, 0}}}; });
  maker.add_signed("of-no-primary-key", "binding-mismatch", "tpm-key-primary",
                   [](Parts& it) { it.quote.qualified_signer[5] ^= 1; });
  maker.add_signed("other-nonce", "binding-mismatch", "tpm-qualifying-data",
                   [](Parts& it) { it.quote.extra_data[0] ^= 1; });
  maker.add_signed("no-nonce", "binding-mismatch", "tpm-qualifying-data",
                   [](Parts& it) { it.quote.extra_data.clear(); });
}

void add_registers(Maker& maker) {
  constexpr auto kRule = "tpm-pcr-digest";
  maker.add("register-changed", "measurement-mismatch", kRule,
            [](Parts& it) { it.evidence.pcrs[kSha256][4][7] ^= 1; });
  maker.add("register-missing", "missing-collateral", kRule,
            [](Parts& it) { it.evidence.pcrs[kSha256].erase(4); });
  maker.add_signed("register-digest-changed", "measurement-mismatch", kRule,
                   [](Parts& it) { it.quote.pcr_digest[0] ^= 1; });
  maker.add_signed("bank-of-sm3", "unsupported", kRule,
                   [](Parts& it) { it.quote.selections = {{kSm3, {1, 0, 0}}}; });
}

void add_logs(Maker& maker) {
  constexpr auto kRule = "tpm-event-log";
  maker.add_signed("log-of-another-loader", "measurement-mismatch", kRule, [](Parts& it) {
    add_log(it, "loader");
    it.evidence.event_log = make_log({{4, "another"}});
  });
  maker.add_signed("log-with-one-more", "measurement-mismatch", kRule, [](Parts& it) {
    add_log(it, "loader");
    it.evidence.event_log = make_log({{4, "loader"}, {4, "one more"}});
  });
  maker.add_signed("log-cut-off", "malformed", kRule, [](Parts& it) {
    add_log(it, "loader");
    it.evidence.event_log.pop_back();
  });
  maker.add_signed("log-of-another-bank", "unsupported", kRule, [](Parts& it) {
    add_log(it, "loader");
    it.evidence.event_log = make_log({{4, "loader"}}, kSha1);
  });
  maker.add_signed("log-of-systemd-broken", "malformed", kRule, [](Parts& it) {
    add_log(it, "loader");
    it.evidence.systemd_log = "{}";
  });
}

}  // namespace

std::vector<CaseForTesting> make_cases_for_testing(const VendorForTesting& vendor) {
  Maker maker(vendor);
  add_good(maker);
  add_containers(maker);
  add_keys(maker);
  add_chains(maker);
  add_signatures(maker);
  add_quotes(maker);
  add_registers(maker);
  add_logs(maker);
  return maker.take();
}

}  // namespace sotto::attest::tpm
