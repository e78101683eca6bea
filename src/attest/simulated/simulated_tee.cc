// Filling the simulated platform with what is ours.
// SPDX-License-Identifier: Apache-2.0
#include "attest/simulated/simulated_tee.h"

#include <algorithm>

#include "attest/roots.h"
#include "crypto/hash.h"

namespace sotto::attest::simulated {
namespace {

constexpr int64_t kDay = 86400;

}  // namespace

crypto::KeyPair root_key() {
  return crypto::KeyPair::from_p256_scalar(
      crypto::sha256(as_bytes("sotto simulated TEE: this root protects nothing")));
}

SimulatedTee::SimulatedTee(const crypto::Sha256Digest& program, int64_t time)
    : platform_(tdx::TeeType::tdx, 4, time) {
  platform_.root_key = root_key();
  platform_.given_root = Roots::pinned().of(Vendor::simulated).roots.front();
  for (crypto::CertificateSpec* spec :
       {&platform_.ca_spec, &platform_.pck_spec, &platform_.tcb_spec}) {
    spec->organization = "Sotto simulated TEE, protects nothing";
  }
  ByteWriter measured;
  measured.append("sotto-simulated-mrtd-v1");
  measured.append(program);
  const crypto::Sha384Digest mrtd = crypto::sha384(measured.bytes());
  std::copy(mrtd.begin(), mrtd.end(), platform_.td.mr_td.begin());
  for (auto& rtmr : platform_.td.rtmr) rtmr = {};
}

void SimulatedTee::extend_rtmr3(const std::array<uint8_t, 48>& digest) {
  auto& rtmr = platform_.td.rtmr[3];
  ByteWriter both;
  both.append(rtmr);
  both.append(digest);
  const crypto::Sha384Digest next = crypto::sha384(both.bytes());
  std::copy(next.begin(), next.end(), rtmr.begin());
}

SimulatedTee::Quote SimulatedTee::quote(const std::array<uint8_t, 64>& report_data) const {
  tdx::SimulatedPlatform platform = platform_;
  platform.td.report_data = report_data;
  tdx::SimulatedPlatform::Made made = platform.make();
  return {std::move(made.quote), std::move(made.collateral)};
}

int64_t SimulatedTee::valid_until() const {
  return platform_.time + 25 * kDay;
}

}  // namespace sotto::attest::simulated
