// Certificate chains as NVIDIA's devices and reference measurements carry them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "attest/roots.h"
#include "attest/verify_error.h"
#include "crypto/x509.h"

namespace sotto::attest::nvidia {

inline constexpr size_t kChainMax = 8;

// The path from `chain[0]` to one of `anchors`. Every certificate must be on it, in its order, and the
// root, where it came along, must be whole and have the pinned key: nothing unused passes unseen.
// `crls` are used as far as they go: who has one must not have revoked the next.
Verified<std::vector<crypto::Certificate>> verify_ordered_chain(
    std::string_view what, const std::vector<crypto::Certificate>& chain, const Anchors& anchors,
    const std::vector<crypto::Crl>& crls, int64_t time);

// The first to expire.
int64_t valid_until(const std::vector<crypto::Certificate>& path);

}  // namespace sotto::attest::nvidia
