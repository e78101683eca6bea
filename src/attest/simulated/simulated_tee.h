// A TEE that is none: TDX quotes in the real format under a root whose private key everybody knows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "attest/evidence.h"
#include "attest/tdx/simulated_platform.h"
#include "crypto/issue.h"
#include "crypto/sha256.h"

namespace sotto::attest::simulated {

// Its private key is SHA-256 of the text "sotto simulated TEE: this root protects nothing", so that
// nobody can take what it signs for more than it is. Its certificate is Vendor::simulated's root.
crypto::KeyPair root_key();

// Works like the hardware: measures the program once, has a run-time register, makes quotes. Not for
// two threads at once.
class SimulatedTee {
 public:
  // `program` stands for what a TD's build measures: MRTD is SHA-384 of "sotto-simulated-mrtd-v1" and
  // it. Its collateral is valid from `time`, Unix seconds, for 25 days.
  SimulatedTee(const crypto::Sha256Digest& program, int64_t time);

  // RTMR3 becomes SHA-384 of itself and the digest.
  void extend_rtmr3(const std::array<uint8_t, 48>& digest);

  struct Quote {
    std::vector<uint8_t> quote;
    Collateral collateral;
  };
  Quote quote(const std::array<uint8_t, 64>& report_data) const;
  int64_t valid_until() const;  // of the collateral

 private:
  tdx::SimulatedPlatform platform_;
};

}  // namespace sotto::attest::simulated
