// What makes a node's evidence: the hardware that it runs on, or the simulated TEE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "attest/bundle/bundle.h"
#include "attest/bundle/statement.h"
#include "attest/collect/cpu_evidence.h"
#include "attest/collect/detect.h"
#include "attest/tpm/collect_evidence.h"
#include "base/result.h"

namespace sotto::attest {

// What evidence is to be bound to.
struct AttestRequest {
  Bytes statement;  // its exact bytes
  Bytes nonce;      // empty, or kNonceBytesMin to kNonceBytesMax
  Bytes tls_spki;   // DER, for Nitro's public_key; empty: the node has none
};

// One thread at a time; calls may take seconds.
class Attester {
 public:
  virtual ~Attester() = default;
  // For the statement: "intel-tdx", "simulated", …
  virtual std::string platform() const = 0;
  // Extends models and configuration into a run-time register; once, before the first evidence. False
  // where the platform has none or does not let us, with the reason in `why`.
  virtual bool measure(const Statement& statement, std::string& why) = 0;
  virtual Result<Bundle> attest(const AttestRequest& request) = 0;
};

// `program`: SHA-256 of the executable file; `time`: Unix seconds.
std::unique_ptr<Attester> make_simulated_attester(const crypto::Sha256Digest& program,
                                                  int64_t time);

// Where the system is; a test points each elsewhere.
struct SystemPlaces {
  collect::Places places;
  std::string tcti = "device:/dev/tpmrm0";
  tpm::LogPaths logs;
  std::filesystem::path nvml = "libnvidia-ml.so.1";
};

// What evidence needs beside it that neither the machine nor its host gave: asked of the vendors'
// services. What is there already is `have`.
using CollateralSource =
    std::function<Result<Collateral>(EvidenceKind kind, Bytes evidence, const Collateral& have)>;

// `unavailable` with detect_platform()'s reason where there is no TEE and no TPM. `access` stays open
// as long as the attester lives.
Result<std::unique_ptr<Attester>> make_system_attester(
    SystemPlaces system = {}, std::unique_ptr<collect::Access> access = collect::system_access(),
    CollateralSource source = {});

// SHA-256 of the running program's file.
Result<crypto::Sha256Digest> program_digest();

}  // namespace sotto::attest
