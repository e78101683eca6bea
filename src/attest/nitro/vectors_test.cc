// Real documents of Nitro Enclaves and NitroTPM from public repositories, each with the verdict that it
// must get.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <set>

#include "attest/appraise/appraise.h"
#include "attest/nitro/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/text_encoding.h"

namespace sotto::attest::nitro {
namespace {

using Raw = std::vector<uint8_t>;

std::filesystem::path vectors() {
  return vectors_dir() / "nitro";
}

Raw read_file(const std::string& name) {
  return read_vector("nitro/" + name);
}

struct Vector {
  std::string file;
  int64_t issued_at = 0;              // what the document says
  std::optional<Reason> reason = {};  // nothing: verified
  std::string failed_rule = {};       // of a refusal
  bool debug = false;
};

const std::string kDstack = "Dstack-TEE_dstack/";
const std::string kReclaim = "reclaimprotocol_attestor-core/";
const std::string kEvervault = "evervault_attestation-doc-validation/";
const std::string kFortanix = "fortanix_rust-sgx/";
const std::string kAnjuna = "anjuna-security_go-nitro-attestation/";
const std::string kFlashbots = "flashbots_attested-tls/";

std::vector<Vector> all_vectors() {
  const auto good = [](std::string file, int64_t at) { return Vector{std::move(file), at}; };
  const auto debug = [](std::string file, int64_t at) {
    return Vector{std::move(file), at, {}, {}, true};
  };
  const auto bad = [](std::string file, Reason reason, std::string rule) {
    return Vector{std::move(file), 0, reason, std::move(rule)};
  };
  return {
      good(kDstack + "nitro_attestation_dstack_unwrapped.bin", 1766678659),
      good(kReclaim + "nitrotpm_doc.cbor", 1781759449),
      good(kReclaim + "nitrotpm_doc_in_envelope_tail.cbor", 1781903643),
      good(kReclaim + "debug_2025-10-15.cbor", 1760533408),  // in spite of its name
      good(kEvervault + "valid-attestation-doc.bin", 1665651482),
      good(kEvervault + "doc_from_non_debug_cert.bin", 1674047239),
      good(kAnjuna + "attestdoc_sample_prod_doc.bin", 1616018515),
      good(kAnjuna + "attestdoc_sample_prod_doc_with_publickey.bin", 1616602241),
      good(kAnjuna + "attester_sample_prod_doc.bin", 1695337797),
      good(kFlashbots + "aws-nitro-prod-2026-05-21.bin", 1779365257),
      debug(kDstack + "nitro_attestation_dbg.bin", 1766650846),
      debug(kReclaim + "debug_2025-08.cbor", 1755775030),
      debug(kReclaim + "debug_2025-10-09.cbor", 1759988039),
      debug(kEvervault + "debug-mode-attestation-doc.bin", 1665582606),
      debug(kEvervault + "valid-attestation-doc-ga.bin", 1695049410),
      debug(kFortanix + "request_proper.bin", 1631182760),
      debug(kFortanix + "expired_attestation.bin", 1631182760),
      debug(kAnjuna + "attester_sample_attestation_doc_full.bin", 1706120065),
      debug(kFlashbots + "aws-nitro-debug-2026-05-20.bin", 1779281545),
      debug(kFlashbots + "aws-nitro-attestation-sample.bin", 1680004560),
      bad(kFortanix + "tampered_certificate.bin", Reason::malformed, "aws-chain"),
      bad(kFortanix + "tampered_signature.bin", Reason::bad_signature, "document-signature"),
      // Containers of dstack's, whose first four bytes are no part of a document.
      bad(kDstack + "nitro_attestation.bin", Reason::malformed, "document-format"),
      bad(kDstack + "nitro_attestation_dstack.bin", Reason::malformed, "document-format"),
      bad(kDstack + "nitro_attestation_dbg_wrapped.bin", Reason::malformed, "document-format"),
  };
}

Verified<Claims> verify_bytes(Bytes bytes, const Roots& roots, std::optional<int64_t> time = {}) {
  const auto document = parse_document(bytes);
  const int64_t issued_at = document ? static_cast<int64_t>(document->timestamp_ms / 1000) : 0;
  return verify_nitro_document(bytes, roots, time.value_or(issued_at));
}

class NitroVectors : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_VECTORS(); }
  Roots roots = Roots::pinned();
};

TEST_F(NitroVectors, get_their_verdicts) {
  size_t passed = 0;
  for (const Vector& vector : all_vectors()) {
    const auto claims = verify_bytes(read_file(vector.file), roots);
    ASSERT_EQ(claims.has_value(), !vector.reason.has_value())
        << vector.file << ": " << (claims ? "verified" : claims.error().message);
    if (claims) {
      EXPECT_EQ(claims->debug, vector.debug) << vector.file;
      const Appraisal appraisal = appraise(claims, default_policy());
      ASSERT_EQ(appraisal.verified, !vector.debug) << vector.file;
      if (appraisal.error) {
        EXPECT_EQ(appraisal.error->reason, Reason::debug) << vector.file;
      }
      EXPECT_EQ(claims->issued_at, vector.issued_at) << vector.file;
      EXPECT_GE(claims->rules.size(), 5u);
    } else {
      EXPECT_EQ(claims.error().reason, *vector.reason) << vector.file << claims.error().message;
      const auto& rules = claims.error().rules;
      EXPECT_EQ(rules.empty() ? "" : rules.back().name, vector.failed_rule) << vector.file;
    }
    ++passed;
  }
  fmt::print("nitro-document: {} vectors, {} passed\n", all_vectors().size(), passed);
}

TEST_F(NitroVectors, are_all_looked_at) {
  std::set<std::string> used;
  for (const Vector& vector : all_vectors()) used.insert(vector.file);
  size_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors())) {
    if (entry.path().extension() != ".bin" && entry.path().extension() != ".cbor") continue;
    const std::string name = entry.path().lexically_relative(vectors()).string();
    EXPECT_TRUE(used.contains(name)) << name;
    ++found;
  }
  EXPECT_EQ(found, used.size());
}

TEST_F(NitroVectors, are_refused_by_other_roots) {
  const Raw good = read_file(kFlashbots + "aws-nitro-prod-2026-05-21.bin");
  EXPECT_EQ(verify_bytes(good, Roots()).error().reason, Reason::untrusted_root);
  const auto unknown = crypto::parse_certificates(read_file(kFortanix + "unknown_ca.crt"));
  ASSERT_TRUE(unknown.has_value());
  Roots other;
  other.replace(Vendor::aws_nitro, *unknown);
  EXPECT_EQ(verify_bytes(good, other).error().reason, Reason::untrusted_root);
  EXPECT_FALSE(crypto::parse_certificates(read_file(kFortanix + "tampered_root_cert.crt")));
  for (const char* file : {"fortanix_rust-sgx/aws.crt", "roots/AWS_NitroEnclaves_Root-G1.pem"}) {
    const auto root = crypto::parse_certificates(read_file(file));
    ASSERT_TRUE(root.has_value());
    EXPECT_EQ(root->front().fingerprint(), roots.of(Vendor::aws_nitro).roots.front().fingerprint());
    other.replace(Vendor::aws_nitro, *root);
    const auto claims = verify_bytes(good, other);
    ASSERT_TRUE(claims.has_value());
    EXPECT_TRUE(claims->root_replaced);
  }
}

TEST_F(NitroVectors, are_refused_before_they_were_made_and_never_after) {
  const Raw good = read_file(kFlashbots + "aws-nitro-prod-2026-05-21.bin");
  const int64_t made = 1779365257;
  EXPECT_TRUE(verify_bytes(good, roots, made - kClockSkewSeconds));
  EXPECT_EQ(verify_bytes(good, roots, made - kClockSkewSeconds - 1).error().reason,
            Reason::not_yet_valid);
  const auto years_later = verify_bytes(good, roots, made + 100'000'000);
  ASSERT_TRUE(years_later.has_value());
  EXPECT_EQ(years_later->issued_at, made);
  EXPECT_LT(*years_later->valid_until, made + 4 * 3600);
}

TEST_F(NitroVectors, are_verified_with_their_tag_too) {
  Raw tagged = read_file(kFlashbots + "aws-nitro-prod-2026-05-21.bin");
  tagged.insert(tagged.begin(), 0xd2);
  EXPECT_TRUE(verify_bytes(tagged, roots));
}

TEST_F(NitroVectors, claim_what_they_say) {
  const auto enclave = verify_bytes(read_file(kEvervault + "doc_from_non_debug_cert.bin"), roots);
  ASSERT_TRUE(enclave.has_value());
  EXPECT_EQ(enclave->platform, "aws-nitro");
  EXPECT_EQ(hex_of(enclave->measurements.at("pcr0")).substr(0, 8), "d265a83f");
  EXPECT_EQ(enclave->measurements.size(), 16u);
  EXPECT_EQ(enclave->report_data.size(), 120u);
  EXPECT_EQ(enclave->values.at("nonce").size(), 256u);
  EXPECT_FALSE(enclave->values.contains("public_key"));
  EXPECT_EQ(enclave->notes.at("module_id"), "i-0ec0e572c8263d8ff-enc0185c4fd382eeb25");
  const auto tpm = verify_bytes(read_file(kReclaim + "nitrotpm_doc.cbor"), roots);
  ASSERT_TRUE(tpm.has_value());
  EXPECT_EQ(tpm->platform, "aws-nitrotpm");
  EXPECT_EQ(tpm->measurements.size(), 24u);
  EXPECT_TRUE(tpm->measurements.contains("nitrotpm_pcr4"));
  EXPECT_FALSE(tpm->measurements.contains("pcr4"));
  EXPECT_FALSE(tpm->debug);
}

// The documents inside of TLS certificates: the same bytes as on file, in hexadecimal in a name.
TEST_F(NitroVectors, are_found_inside_of_the_certificates_that_carry_them) {
  const Raw certificate =
      read_file(kEvervault + "non-debug-cert-containing-attestation-document-18-1-23-der.crt");
  const std::string text(certificate.begin(), certificate.end());
  const size_t begin = text.find("8444a1013822a0");
  ASSERT_NE(begin, std::string::npos);
  const Raw document = read_file(kEvervault + "doc_from_non_debug_cert.bin");
  EXPECT_EQ(text.substr(begin, 2 * document.size()), hex_of(document));
}

}  // namespace
}  // namespace sotto::attest::nitro
