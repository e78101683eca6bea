// OpenSSL's object for a hash algorithm; for crypto/ itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include "crypto/hash.h"

namespace sotto::crypto {

const EVP_MD* openssl_digest(HashAlgorithm algorithm);  // static, never null

}  // namespace sotto::crypto
