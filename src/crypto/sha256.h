// SHA-256 [FIPS180-4], incremental and in one call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

// OpenSSL's own forward declaration, so that its headers stay inside crypto/.
typedef struct evp_md_ctx_st EVP_MD_CTX;  // NOLINT(modernize-use-using)

namespace sotto::crypto {

using Sha256Digest = std::array<uint8_t, 32>;

// Not for two threads at once. After finish() it starts anew.
class Sha256 {
 public:
  Sha256();
  void update(Bytes bytes);
  Sha256Digest finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

Sha256Digest sha256(Bytes bytes);

}  // namespace sotto::crypto
