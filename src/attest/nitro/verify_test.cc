// Each rule of an attestation document, broken once: by documents that a signer of the test's own
// makes, right in everything else; and the whole way from a played Nitro Security Module.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nitro/verify.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "attest/appraise/appraise.h"
#include "attest/cbor/cbor.h"
#include "attest/collect/nsm.h"
#include "attest/nitro/signer_for_testing.h"

namespace sotto::attest::nitro {
namespace {

using Raw = std::vector<uint8_t>;
constexpr int64_t kTime = SignerForTesting::kTime;

const SignerForTesting& aws() {
  static const SignerForTesting signer;
  return signer;
}

Verified<Claims> run(const SignerForTesting& signer, const Raw& bytes, int64_t time = kTime) {
  return verify_nitro_document(bytes, signer.roots(), time);
}

void expect_refused(const Verified<Claims>& claims, Reason reason, std::string_view rule) {
  ASSERT_FALSE(claims.has_value()) << rule;
  EXPECT_EQ(claims.error().reason, reason) << claims.error().message;
  const auto& rules = claims.error().rules;
  ASSERT_FALSE(rules.empty()) << claims.error().message;
  EXPECT_EQ(rules.back().name, rule) << claims.error().message;
}

// A right document but for one change, read: what it is refused for before anything is verified.
ErrorKind parse_error(const std::function<void(DocumentForTesting&)>& change) {
  DocumentForTesting document = aws().document();
  change(document);
  const auto parsed = parse_document(aws().sign(document));
  EXPECT_FALSE(parsed.has_value());
  return parsed ? ErrorKind::internal : parsed.error().kind;
}

TEST(NitroVerify, accepts_what_is_right) {
  for (const bool indefinite : {false, true}) {
    DocumentForTesting document = aws().document();
    document.indefinite = indefinite;
    document.user_data = Raw(64, 1);
    document.nonce = Raw();
    const auto claims = run(aws(), aws().sign(document));
    ASSERT_TRUE(claims.has_value()) << claims.error().message;
    EXPECT_EQ(claims->platform, "aws-nitro");
    EXPECT_EQ(claims->report_data, Raw(64, 1));
    EXPECT_EQ(claims->values.at("nonce"), Raw());
    EXPECT_FALSE(claims->values.contains("public_key"));
    EXPECT_EQ(claims->issued_at, kTime);
    EXPECT_EQ(claims->valid_until, kTime + 3 * 3600);
    EXPECT_FALSE(claims->debug);
    EXPECT_TRUE(appraise(claims, default_policy()).verified);
  }
}

TEST(NitroVerify, ignores_what_follows_a_document) {
  Raw bytes = aws().sign(aws().document());
  const size_t size = bytes.size();
  bytes.insert(bytes.end(), 100, 0xff);
  const auto document = parse_document(bytes);
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->bytes, size);
  EXPECT_TRUE(run(aws(), bytes));
}

TEST(NitroDocument, needs_every_field_and_has_no_other) {
  for (const char* field :
       {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    EXPECT_EQ(parse_error([&](auto& document) { document.left_out = field; }), ErrorKind::malformed)
        << field;
  }
  EXPECT_EQ(parse_error([](auto& document) {
              document.more = [](cbor::Writer& out) {
                out.text("pcr");
                out.null();
              };
            }),
            ErrorKind::unsupported);
  EXPECT_EQ(parse_error([](auto& document) {
              document.more = [](cbor::Writer& out) {
                out.text("nonce");
                out.null();
              };
            }),
            ErrorKind::malformed);
  EXPECT_EQ(parse_error([](auto& document) {
              document.more = [](cbor::Writer& out) {
                out.text("nitrotpm_pcrs");
                out.map(0);
              };
            }),
            ErrorKind::malformed);
  DocumentForTesting without_null = aws().document();
  without_null.left_out = "public_key";
  EXPECT_TRUE(run(aws(), aws().sign(without_null)));
}

TEST(NitroDocument, needs_fields_in_their_ranges) {
  using Document = DocumentForTesting;
  const std::vector<std::function<void(Document&)>> changes = {
      [](Document& d) { d.module_id.clear(); },
      [](Document& d) { d.module_id = "i\n"; },
      [](Document& d) { d.module_id.assign(257, 'i'); },
      [](Document& d) { d.timestamp_ms = 0; },
      [](Document& d) { d.timestamp_ms = INT64_MAX; },
      [](Document& d) { d.pcrs.clear(); },
      [](Document& d) { d.pcrs[32] = Raw(48); },
      [](Document& d) { d.pcrs[-1] = Raw(48); },
      [](Document& d) { d.pcrs[0] = Raw(32); },
      [](Document& d) { d.certificate.clear(); },
      [](Document& d) { d.certificate.assign(kCertificateBytesMax + 1, 0x30); },
      [](Document& d) { d.cabundle.clear(); },
      [](Document& d) { d.cabundle.assign(kCaBundleCertificatesMax + 1, d.certificate); },
      [](Document& d) { d.user_data = Raw(kCallerBytesMax + 1); },
      [](Document& d) { d.nonce = Raw(kCallerBytesMax + 1); },
      [](Document& d) { d.public_key = Raw(kCallerBytesMax + 1); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    EXPECT_EQ(parse_error(changes[i]), ErrorKind::malformed) << i;
  }
  EXPECT_EQ(parse_error([](Document& d) { d.digest = "SHA256"; }), ErrorKind::unsupported);
}

TEST(NitroDocument, is_signed_by_es384_over_one_map) {
  const Raw payload = SignerForTesting::payload(aws().document());
  EXPECT_EQ(parse_document(aws().sign(payload, -7)).error().kind, ErrorKind::unsupported);
  Raw longer = payload;
  longer.push_back(0xf6);
  EXPECT_EQ(parse_document(aws().sign(longer)).error().kind, ErrorKind::malformed);
  EXPECT_EQ(parse_document(aws().sign(Raw{0x80})).error().kind, ErrorKind::malformed);
  EXPECT_EQ(parse_document(aws().sign(Raw{})).error().kind, ErrorKind::malformed);
  // A message with a signature of 64 bytes, as another curve makes it.
  const SignerForTesting p256([](LeafForTesting& leaf) { leaf.key = crypto::KeyType::ec_p256; });
  EXPECT_EQ(parse_document(p256.sign(p256.document())).error().kind, ErrorKind::malformed);
}

TEST(NitroVerify, needs_a_document_in_its_format) {
  expect_refused(run(aws(), Raw{0x80}), Reason::malformed, "document-format");
  expect_refused(run(aws(), aws().sign(SignerForTesting::payload(aws().document()), -7)),
                 Reason::unsupported, "document-format");
}

TEST(NitroVerify, refuses_documents_from_the_future) {
  const Raw bytes = aws().sign(aws().document());
  EXPECT_TRUE(run(aws(), bytes, kTime - kClockSkewSeconds));
  expect_refused(run(aws(), bytes, kTime - kClockSkewSeconds - 1), Reason::not_yet_valid,
                 "issued-at");
}

TEST(NitroVerify, needs_a_path_to_its_root_at_the_documents_time) {
  const Raw bytes = aws().sign(aws().document());
  const auto document = parse_document(bytes);
  expect_refused(verify(*document, Roots(), kTime), Reason::untrusted_root, "aws-chain");
  expect_refused(verify(*document, Roots::pinned(), kTime), Reason::untrusted_root, "aws-chain");
  DocumentForTesting late = aws().document();
  late.timestamp_ms += 4 * 3600 * 1000;
  expect_refused(run(aws(), aws().sign(late), kTime + 5 * 3600), Reason::expired, "aws-chain");
  DocumentForTesting early = aws().document();
  early.timestamp_ms -= 60'000;
  expect_refused(run(aws(), aws().sign(early)), Reason::not_yet_valid, "aws-chain");
  DocumentForTesting noise = aws().document();
  noise.cabundle[1] = Raw(100, 0x30);
  expect_refused(run(aws(), aws().sign(noise)), Reason::malformed, "aws-chain");
  DocumentForTesting gap = aws().document();
  gap.cabundle.erase(gap.cabundle.begin() + 1);
  expect_refused(run(aws(), aws().sign(gap)), Reason::untrusted_root, "aws-chain");
}

TEST(NitroVerify, needs_issuers_that_may_issue) {
  const SignerForTesting no_ca([](LeafForTesting& leaf) {
    leaf.issuer_is_ca = false;
    leaf.issuers_path_length = {};
  });
  expect_refused(run(no_ca, no_ca.sign(no_ca.document())), Reason::chain_invalid, "aws-chain");
  // A leaf that is an authority, below one that may have none below it.
  const SignerForTesting too_long([](LeafForTesting& leaf) { leaf.certificate.is_ca = true; });
  const auto claims = run(too_long, too_long.sign(too_long.document()));
  ASSERT_FALSE(claims.has_value());
  EXPECT_EQ(claims.error().reason, Reason::chain_invalid);
}

TEST(NitroVerify, needs_the_bundle_to_be_the_path) {
  DocumentForTesting swapped = aws().document();
  std::swap(swapped.cabundle[1], swapped.cabundle[2]);
  expect_refused(run(aws(), aws().sign(swapped)), Reason::chain_invalid, "cabundle");
  DocumentForTesting extra = aws().document();
  extra.cabundle.push_back(extra.cabundle[1]);
  expect_refused(run(aws(), aws().sign(extra)), Reason::chain_invalid, "cabundle");
  DocumentForTesting rootless = aws().document();
  rootless.cabundle.erase(rootless.cabundle.begin());
  expect_refused(run(aws(), aws().sign(rootless)), Reason::chain_invalid, "cabundle");
}

TEST(NitroVerify, needs_a_leaf_that_signs_documents_alone) {
  const SignerForTesting authority([](LeafForTesting& leaf) {
    leaf.certificate.key_usage = crypto::kUsageDigitalSignature | crypto::kUsageCertSign;
  });
  expect_refused(run(authority, authority.sign(authority.document())), Reason::chain_invalid,
                 "leaf-usage");
  const SignerForTesting other_use(
      [](LeafForTesting& leaf) { leaf.certificate.key_usage = crypto::kUsageCrlSign; });
  expect_refused(run(other_use, other_use.sign(other_use.document())), Reason::chain_invalid,
                 "leaf-usage");
  const SignerForTesting no_use([](LeafForTesting& leaf) { leaf.certificate.key_usage = {}; });
  expect_refused(run(no_use, no_use.sign(no_use.document())), Reason::chain_invalid, "leaf-usage");
}

TEST(NitroVerify, needs_the_signature_of_the_leaf) {
  Raw changed = aws().sign(aws().document());
  changed.back() ^= 1;
  expect_refused(run(aws(), changed), Reason::bad_signature, "document-signature");
  // Another signer's document with our certificates in it.
  const SignerForTesting other;
  expect_refused(run(aws(), other.sign(aws().document())), Reason::bad_signature,
                 "document-signature");
  // A leaf on another curve, whose signature is as long as P-384's.
  const SignerForTesting p256([](LeafForTesting& leaf) { leaf.key = crypto::KeyType::ec_p256; });
  const auto document = parse_document(aws().sign(p256.document()));
  expect_refused(verify(*document, p256.roots(), kTime), Reason::chain_invalid,
                 "document-signature");
}

TEST(NitroVerify, needs_the_registers_that_measure_the_image) {
  for (const int64_t index : {0, 1, 2}) {
    DocumentForTesting document = aws().document();
    document.pcrs.erase(index);
    expect_refused(run(aws(), aws().sign(document)), Reason::malformed, "image-pcrs");
  }
}

TEST(NitroAppraisal, refuses_debug_when_any_image_register_is_zero) {
  for (const int64_t index : {0, 1, 2}) {
    DocumentForTesting document = aws().document();
    document.pcrs[index].assign(48, 0);
    const auto claims = run(aws(), aws().sign(document));
    ASSERT_TRUE(claims.has_value());
    EXPECT_TRUE(claims->debug);
    EXPECT_EQ(appraise(claims, default_policy()).error->reason, Reason::debug);
    Policy policy = default_policy();
    policy.platforms.at("aws-nitro").allow_debug = true;
    EXPECT_TRUE(appraise(claims, policy).verified);
  }
}

TEST(NitroAppraisal, tells_a_tpm_from_an_enclave) {
  DocumentForTesting document = aws().document();
  document.pcrs_name = "nitrotpm_pcrs";
  document.pcrs.erase(0);
  document.pcrs[23] = Raw(48);
  const auto claims = run(aws(), aws().sign(document));
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->platform, "aws-nitrotpm");
  EXPECT_TRUE(claims->measurements.contains("nitrotpm_pcr23"));
  EXPECT_FALSE(claims->debug);
  EXPECT_TRUE(appraise(claims, default_policy()).verified);
  Policy enclaves_only = default_policy();
  enclaves_only.platforms.erase("aws-nitrotpm");
  EXPECT_EQ(appraise(claims, enclaves_only).error->reason, Reason::policy);
}

TEST(NitroAppraisal, limits_the_age_of_documents) {
  Policy policy = default_policy();
  policy.platforms.at("aws-nitro").evidence_age_max = 60;
  const Raw bytes = aws().sign(aws().document());
  EXPECT_TRUE(appraise(run(aws(), bytes, kTime + 60), policy).verified);
  EXPECT_EQ(appraise(run(aws(), bytes, kTime + 61), policy).error->reason, Reason::expired);
}

// The module's end of /dev/nsm: signs what it is asked to.
class FakeNsm final : public collect::Device {
 public:
  int control(unsigned long, void* argument) override {
    uint64_t message[4];
    std::memcpy(message, argument, sizeof(message));
    const auto request =
        cbor::Document::read(Bytes(std::bit_cast<const uint8_t*>(message[0]), message[1]));
    const auto asked = request->root().find("Attestation");
    DocumentForTesting document = aws().document();
    const auto field = [&](std::string_view name) -> std::optional<Raw> {
      const auto bytes = asked->find(name)->bytes(name);
      if (!bytes) return std::nullopt;
      return Raw(bytes->begin(), bytes->end());
    };
    document.user_data = field("user_data");
    document.nonce = field("nonce");
    document.public_key = field("public_key");
    cbor::Writer out;
    out.map(1);
    out.text("Attestation");
    out.map(1);
    out.text("document");
    out.bytes(aws().sign(document));
    message[3] = out.written().size();
    std::memcpy(std::bit_cast<void*>(message[2]), out.written().data(), message[3]);
    std::memcpy(argument, message, sizeof(message));
    return 0;
  }
};

TEST(NitroCollected, from_a_security_module_is_verified_with_what_was_asked_for) {
  FakeNsm device;
  const auto bytes = collect::request_nsm_document(device, {Raw(64, 7), Raw(32, 8), Raw(91, 9)});
  ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
  const auto claims = run(aws(), *bytes);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->report_data, Raw(64, 7));
  EXPECT_EQ(claims->values.at("nonce"), Raw(32, 8));
  EXPECT_EQ(claims->values.at("public_key"), Raw(91, 9));
}

}  // namespace
}  // namespace sotto::attest::nitro
