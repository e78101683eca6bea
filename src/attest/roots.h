// The roots that evidence is trusted by: the vendors' own, built in, or a caller's for one call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "crypto/x509.h"

namespace sotto::attest {

enum class Vendor : uint8_t {
  intel_sgx,  // PCK, TCB signing: SGX and TDX
  intel_trust_authority,
  amd,  // ARK of Milan, Genoa, Turin; ASK and ASVK as intermediates
  aws_nitro,
  nvidia_device,
  nvidia_rim,
  azure_vtpm,
  google_vtpm,
  google_confidential_space,
  google_firmware,
  microsoft_tls,  // signers of IMDS documents
  simulated,      // ours, whose private key everybody knows: it vouches for nothing
};
std::string_view to_string(Vendor vendor);

struct Anchors {
  std::vector<crypto::Certificate> roots;
  std::vector<crypto::Certificate> intermediates;  // not trusted, only at hand
  bool replaced = false;
};

// A plain value; making one parses the built-in certificates, so keep it.
class Roots {
 public:
  // The vendors' roots as they are built in; docs/roots.md lists their fingerprints.
  static Roots pinned();
  // None: every chain is refused until add() or replace().
  Roots() = default;

  // No roots at all for a vendor without any.
  const Anchors& of(Vendor vendor) const;
  // From now on only these are trusted for the vendor; Claims and results say so.
  void replace(Vendor vendor, std::vector<crypto::Certificate> roots,
               std::vector<crypto::Certificate> intermediates = {});

 private:
  std::map<Vendor, Anchors> anchors_;
};

}  // namespace sotto::attest
