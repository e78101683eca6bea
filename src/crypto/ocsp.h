// Whether a certificate was revoked, by its issuer's answer of the day [RFC6960].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "crypto/issue.h"
#include "crypto/x509.h"

namespace sotto::crypto {

inline constexpr uint64_t kOcspBytesMax = 64 << 10;

// A request about one certificate, DER, without a nonce, so that the answer can be handed on.
std::vector<uint8_t> ocsp_request(const Certificate& certificate, const Certificate& issuer);

struct OcspAnswer {
  bool revoked = false;
  int64_t this_update = 0;             // Unix seconds
  std::optional<int64_t> next_update;  // nothing: newer answers may come any time
};

// The answer in a response (DER), signed by the issuer itself or by who the issuer certified for it, at
// `time`. `malformed`; `unsupported` for a response that is an error; `untrusted` when its signature is
// nobody's who may, or when it is about another certificate or does not know this one. Whether the answer's
// own time is right is the caller's to see. Pure.
Result<OcspAnswer> read_ocsp(Bytes response, const Certificate& certificate,
                             const Certificate& issuer, const std::vector<Certificate>& roots,
                             int64_t time);
// The same without looking at the signature: whether a response is one, and until when it may be kept.
Result<OcspAnswer> read_ocsp_unverified(Bytes response, const Certificate& certificate,
                                        const Certificate& issuer);

// An issuer's answer, for tests that play one; `signer` certifies itself with `signer_certificate`.
std::vector<uint8_t> make_ocsp_for_testing(const Certificate& certificate,
                                           const Certificate& issuer,
                                           const Certificate& signer_certificate,
                                           const KeyPair& signer, bool revoked, int64_t this_update,
                                           int64_t next_update);

}  // namespace sotto::crypto
