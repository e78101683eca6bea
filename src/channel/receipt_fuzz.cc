// Any bytes as a receipt, and as the payload of one that is signed well; any stream with one in it.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/text_encoding.h"
#include "channel/receipt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::channel;
  static const crypto::KeyPair key(crypto::KeyType::ed25519);
  static const std::vector<uint8_t> spki = key.public_key().spki();
  const Bytes public_key = Bytes(spki).last(32);
  const std::string_view text = as_text({data, size});
  CHECK(!verify_receipt(text, public_key));  // nobody guesses a signature

  std::string token =
      base64_of(as_bytes(R"({"alg":"EdDSA","typ":"sotto-receipt+jwt"})"), Base64::url);
  token += "." + base64_of({data, size}, Base64::url);
  const auto signature =
      key.sign(crypto::SignatureScheme::ed25519, crypto::HashAlgorithm::sha512, as_bytes(token));
  token += "." + base64_of(signature, Base64::url);
  if (const Result<Receipt> receipt = verify_receipt(token, public_key)) {
    CHECK(verify_receipt(sign_receipt(*receipt, key), public_key));
  }
  if (const auto split = split_receipt(text)) CHECK(!split_receipt(split->body));
  return 0;
}
