// One bit of a good document changed: refused, whichever it is.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "attest/nitro/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::nitro {
namespace {

constexpr int64_t kTime = 1790000000;  // after all of them
constexpr uint64_t kFlips = 5000;      // of each; all of their 36,000 and 39,000 were tried by hand

class NitroMutations : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_VECTORS(); }

  bool is_verified(const std::vector<uint8_t>& bytes) {
    return verify_nitro_document(bytes, roots, kTime).has_value();
  }

  Roots roots = Roots::pinned();
};

TEST_F(NitroMutations, of_bits_all_over_a_document_are_refused) {
  for (const std::string file : {"nitro/flashbots_attested-tls/aws-nitro-prod-2026-05-21.bin",
                                 "nitro/reclaimprotocol_attestor-core/nitrotpm_doc.cbor"}) {
    const auto document = read_vector(file);
    ASSERT_TRUE(is_verified(document));
    const auto verify = [&](Bytes changed) { return verify_nitro_document(changed, roots, kTime); };
    const uint64_t tried = expect_every_bit_flip_refused(document, verify, kFlips);
    fmt::print("nitro-document: {} bits flipped one at a time\n", tried);
  }
}

TEST_F(NitroMutations, of_the_size_are_refused) {
  const auto document = read_vector("nitro/flashbots_attested-tls/aws-nitro-prod-2026-05-21.bin");
  for (size_t size = 0; size < document.size(); ++size) {
    EXPECT_FALSE(is_verified({document.begin(), document.begin() + static_cast<ptrdiff_t>(size)}))
        << size;
  }
}

}  // namespace
}  // namespace sotto::attest::nitro
