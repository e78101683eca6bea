// Receipts: signed, read back, and not to be changed; where they stand in a stream.
// SPDX-License-Identifier: Apache-2.0
#include "channel/receipt.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/text_encoding.h"

namespace sotto::channel {
namespace {

std::vector<uint8_t> key_bytes(const crypto::KeyPair& key) {
  const std::vector<uint8_t> spki = key.public_key().spki();
  return {spki.end() - 32, spki.end()};
}

Receipt example() {
  Receipt receipt;
  receipt.id = "req_0123456789abcdef";
  receipt.issued_at = 1'750'000'000;
  receipt.statement_sha256.fill(1);
  receipt.endpoint = "chat";
  receipt.outcome = Outcome::completed;
  receipt.status = 200;
  receipt.model = "demo";
  receipt.model_root.fill(2);
  receipt.context = 4096;
  receipt.kv = "f16";
  receipt.sampling.emplace();
  receipt.sampling->temperature = 0.7f;
  receipt.sampling->seed = UINT64_MAX - 5;
  receipt.sampling->logit_bias = {{7, -1.5f}};
  receipt.usage = {10, 20, 5, 3};
  receipt.request_sha256.fill(3);
  receipt.response_sha256.fill(4);
  return receipt;
}

TEST(Receipt, reads_back_what_was_signed) {
  const crypto::KeyPair key(crypto::KeyType::ed25519);
  const std::string token = sign_receipt(example(), key);
  const Result<Receipt> read = verify_receipt(token, key_bytes(key));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(sign_receipt(*read, key), token);  // every field: Ed25519 draws no random numbers
  EXPECT_EQ(read->sampling->seed, UINT64_MAX - 5);
  EXPECT_EQ(read->sampling->temperature, 0.7f);
  EXPECT_EQ(read->usage.cached_tokens, 3u);
  Receipt bare;
  bare.endpoint = "chat";
  const Result<Receipt> failed = verify_receipt(sign_receipt(bare, key), key_bytes(key));
  ASSERT_TRUE(failed);
  EXPECT_FALSE(failed->sampling);
  EXPECT_EQ(failed->outcome, Outcome::failed);
}

TEST(Receipt, is_refused_with_anything_changed) {
  const crypto::KeyPair key(crypto::KeyType::ed25519);
  const crypto::KeyPair other(crypto::KeyType::ed25519);
  const std::string token = sign_receipt(example(), key);
  EXPECT_EQ(verify_receipt(token, key_bytes(other)).error().kind, ErrorKind::untrusted);
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'B', '.', '='}) {
      std::string bad = token;
      if (bad[i] == c) continue;
      bad[i] = c;
      EXPECT_FALSE(verify_receipt(bad, key_bytes(key))) << i;
    }
  }
  EXPECT_FALSE(verify_receipt(token + "A", key_bytes(key)));
  EXPECT_FALSE(verify_receipt("", key_bytes(key)));
  EXPECT_FALSE(verify_receipt(std::string(kReceiptBytesMax + 1, 'A'), key_bytes(key)));
  EXPECT_FALSE(verify_receipt(token, {}));
}

TEST(Receipt, stands_before_the_end_of_a_stream) {
  const std::string body = "data: {\"a\":1}\n\ndata: {}\n\ndata: [DONE]\n\n";
  const std::string with = with_receipt(body, "TOKEN");
  EXPECT_EQ(with, "data: {\"a\":1}\n\ndata: {}\n\n: sotto-receipt TOKEN\n\ndata: [DONE]\n\n");
  const auto split = split_receipt(with);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->body, body);
  EXPECT_EQ(split->token, "TOKEN");
  const auto last = split_receipt(with_receipt("event: done\ndata: {}\n\n", "T"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->body, "event: done\ndata: {}\n\n");
  EXPECT_EQ(split_receipt(with_receipt("", "T"))->token, "T");
  EXPECT_FALSE(split_receipt(body));
  EXPECT_FALSE(split_receipt(""));
  EXPECT_FALSE(split_receipt(with_receipt(with, "TWICE")));
  EXPECT_FALSE(split_receipt("data: x\n\n: sotto-receipt T"));  // cut
  // Words of an answer are no receipt: a line of an event begins with "data: ".
  EXPECT_FALSE(split_receipt("data: \": sotto-receipt T\"\n\n"));
}

// docs/protocols/receipt.md shows these bytes.
TEST(ReceiptPage, has_the_digests_that_the_code_makes) {
  std::ifstream file(SOTTO_SOURCE_DIR "/docs/protocols/receipt.md");
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::vector<uint8_t> salt(16, 0xaa);
  for (const std::string& digest :
       {hex_of(salted_digest(Direction::request, salt, "{\"a\":1}")),
        hex_of(salted_digest(Direction::response, salt, "{\"b\":2}"))}) {
    EXPECT_NE(page.find("`" + digest + "`"), std::string::npos) << digest;
  }
}

}  // namespace
}  // namespace sotto::channel
