// A GPU of our own making: reports in the real format, with certificates and manifests, under roots
// that protect nothing. Every field can be spoilt before they are made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attest/evidence.h"
#include "attest/nvidia/spdm_report.h"
#include "attest/roots.h"
#include "crypto/issue.h"

namespace sotto::attest::nvidia {

struct RimRowForTesting {
  std::string index;
  std::string active;               // "True" or "False"
  std::string alternatives;         // as announced
  std::vector<std::string> hashes;  // hexadecimal
  std::string size = "48";
};

struct RimForTesting {
  std::string version;
  std::string edition = "GPU";
  std::string product = "GH100";
  std::vector<RimRowForTesting> rows;
  std::optional<crypto::KeyPair> signer;  // where it is not the one of the certificate
  // Applied to the information that is signed before it is, and to all of the XML afterwards.
  std::function<std::string(std::string)> edit_signed_info;
  std::function<std::string(std::string)> edit;
};

// Good as it is made: a Hopper GPU whose manifests match at kTime. Copies share their keys.
struct DeviceForTesting {
  DeviceForTesting();

  static constexpr int64_t kTime = 1'780'000'000;

  crypto::KeyPair root_key{crypto::KeyType::ec_p384};
  crypto::KeyPair ca_key{crypto::KeyType::ec_p384};
  crypto::KeyPair device_key{crypto::KeyType::ec_p384};
  crypto::KeyPair rim_root_key{crypto::KeyType::ec_p384};
  crypto::KeyPair rim_key{crypto::KeyType::ec_p384};
  crypto::CertificateSpec root_spec;
  crypto::CertificateSpec ca_spec;
  crypto::CertificateSpec device_spec;  // the extensions are added from the fields below
  crypto::CertificateSpec rim_root_spec;
  crypto::CertificateSpec rim_spec;
  std::vector<uint8_t> certified_fwid;
  bool composite_extension = true;  // Hopper's
  bool tcb_info_extension = false;  // Blackwell's

  std::array<uint8_t, kSpdmNonceBytes> nonce{};
  std::vector<std::vector<uint8_t>> measurements;
  std::vector<std::pair<uint16_t, std::vector<uint8_t>>> opaque;
  std::optional<crypto::KeyPair> report_signer;  // where it is not the device
  RimForTesting driver_rim;
  RimForTesting vbios_rim;

  // Replaces an opaque field, or adds it.
  void set_opaque(OpaqueField field, std::vector<uint8_t> value);
  void drop_opaque(OpaqueField field);

  struct Made {
    std::vector<uint8_t> report;
    Collateral collateral;
    Roots roots;
    crypto::Certificate root;
    crypto::Certificate ca;
  };
  Made make() const;
  std::string make_rim(const RimForTesting& rim) const;
};

std::vector<uint8_t> text_field(std::string_view text);  // with a closing zero, as devices send it

}  // namespace sotto::attest::nvidia
