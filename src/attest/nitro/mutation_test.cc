// One bit of a good document changed: refused, whichever it is.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "attest/nitro/verify.h"
#include "attest/recorded_for_testing.h"

namespace sotto::attest::nitro {
namespace {

constexpr int64_t kTime = 1790000000;  // after all of them
// Every ninth bit, so that all eight positions in a byte come up.
constexpr uint64_t kStride = 9;
constexpr uint64_t kFrameBytes = 16;
constexpr uint64_t kSignatureBytes = 98;  // with its head, at the end

class NitroMutations : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(SOTTO_VECTORS_DIR)) {
      GTEST_SKIP() << "no recorded evidence at " << SOTTO_VECTORS_DIR;
    }
  }

  bool is_verified(const std::vector<uint8_t>& bytes) {
    return verify_nitro_document(bytes, roots, kTime).has_value();
  }

  Roots roots = Roots::pinned();
};

TEST_F(NitroMutations, of_bits_all_over_a_document_are_refused) {
  for (const std::string file : {"nitro/flashbots_attested-tls/aws-nitro-prod-2026-05-21.bin",
                                 "nitro/reclaimprotocol_attestor-core/nitrotpm_doc.cbor"}) {
    const auto document = read_recorded(file);
    ASSERT_TRUE(is_verified(document));
    const auto is_refused = [&](const auto& changed) { return !is_verified(changed); };
    const uint64_t signature = document.size() - kSignatureBytes;
    const auto frame = flip_bits(document, 0, kFrameBytes, 1, is_refused);
    const auto payload = flip_bits(document, kFrameBytes, signature, kStride, is_refused);
    const auto end = flip_bits(document, signature, document.size(), 1, is_refused);
    fmt::print("nitro-document: {} bits flipped, {} refused\n",
               frame.tried + payload.tried + end.tried,
               frame.refused + payload.refused + end.refused);
  }
}

TEST_F(NitroMutations, of_the_size_are_refused) {
  const auto document = read_recorded("nitro/flashbots_attested-tls/aws-nitro-prod-2026-05-21.bin");
  for (size_t size = 0; size < document.size(); ++size) {
    EXPECT_FALSE(is_verified({document.begin(), document.begin() + static_cast<ptrdiff_t>(size)}))
        << size;
  }
}

}  // namespace
}  // namespace sotto::attest::nitro
