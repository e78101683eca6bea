// A signer of launch endorsements with a root of its own, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/case_for_testing.h"
#include "attest/roots.h"
#include "crypto/issue.h"

namespace sotto::attest::google {

// What goes into the golden measurement beside its fixed values: firmware 01…, MRTD
// 03… for 32 GiB accepted early, launch measurement 04… for 4 vCPUs, SVNs 7.
struct GoldenForTesting {
  int64_t timestamp = 1'740'000'000;
  uint64_t changelist = 12345;
  std::vector<uint8_t> mrtd = std::vector<uint8_t>(48, 2);  // for 16 GiB
  bool vcpus_twice = false;
};

// Protocol buffers' wire format, the other way round.
class ProtoWriter {
 public:
  void varint(uint32_t number, uint64_t value) {
    put(number << 3);
    put(value);
  }
  void bytes(uint32_t number, Bytes value) {
    put(number << 3 | 2);
    put(value.size());
    out_.insert(out_.end(), value.begin(), value.end());
  }
  const std::vector<uint8_t>& out() const { return out_; }

 private:
  void put(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<uint8_t>(value | 0x80));
    out_.push_back(static_cast<uint8_t>(value));
  }
  std::vector<uint8_t> out_;
};

class EndorserForTesting {
 public:
  explicit EndorserForTesting(int64_t now)
      : time_(now),
        root_(issue("Test GCE root, protects nothing", true, now, root_key_.public_key(), nullptr)),
        signer_(issue("Test UEFI signer", false, now, key_.public_key(), &root_)) {}

  int64_t time() const { return time_; }
  const crypto::Certificate& root() const { return root_; }
  Roots roots() const {
    Roots roots;
    roots.replace(Vendor::google_firmware, {root_});
    return roots;
  }

  std::vector<uint8_t> endorse(const GoldenForTesting& golden = {}) const {
    const std::vector<uint8_t> message = serialize(golden);
    ProtoWriter endorsement;
    endorsement.bytes(1, message);
    endorsement.bytes(
        2, key_.sign(crypto::SignatureScheme::rsa_pss, crypto::HashAlgorithm::sha256, message));
    return endorsement.out();
  }

 private:
  crypto::Certificate issue(std::string name, bool is_ca, int64_t now, const crypto::PublicKey& key,
                            const crypto::Certificate* issuer) const {
    return crypto::issue_certificate({.common_name = std::move(name),
                                      .not_before = now - 1000,
                                      .not_after = now + 1000,
                                      .is_ca = is_ca},
                                     key, issuer, root_key_);
  }

  static std::vector<uint8_t> tdx(const GoldenForTesting& golden) {
    ProtoWriter first, second, tdx;
    first.varint(1, 16);
    first.bytes(3, golden.mrtd);
    second.varint(1, 32);
    second.varint(2, 1);
    second.bytes(3, std::vector<uint8_t>(48, 3));
    tdx.varint(1, 7);
    tdx.bytes(2, first.out());
    tdx.bytes(2, second.out());
    return tdx.out();
  }

  static std::vector<uint8_t> snp(const GoldenForTesting& golden) {
    ProtoWriter entry, snp;
    entry.varint(1, 4);
    entry.bytes(2, std::vector<uint8_t>(48, 4));
    snp.varint(1, 7);
    for (int i = 0; i < (golden.vcpus_twice ? 2 : 1); ++i) snp.bytes(2, entry.out());
    snp.bytes(3, std::vector<uint8_t>(16, 9));
    snp.varint(5, 0x30000);
    return snp.out();
  }

  std::vector<uint8_t> serialize(const GoldenForTesting& golden) const {
    ProtoWriter timestamp, message;
    timestamp.varint(1, static_cast<uint64_t>(golden.timestamp));
    message.bytes(1, timestamp.out());
    if (golden.changelist != 0) message.varint(2, golden.changelist);
    message.bytes(4, signer_.der());
    message.bytes(5, std::vector<uint8_t>(48, 1));
    message.bytes(7, snp(golden));
    message.bytes(8, tdx(golden));
    return message.out();
  }

  int64_t time_;
  crypto::KeyPair root_key_{crypto::KeyType::ec_p256};
  crypto::KeyPair key_{crypto::KeyType::rsa};
  crypto::Certificate root_, signer_;
};

std::vector<CaseForTesting> make_cases_for_testing(const EndorserForTesting& endorser);

}  // namespace sotto::attest::google
