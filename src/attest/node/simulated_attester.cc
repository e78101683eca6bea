// The simulated TEE as a node's hardware.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/binding.h"
#include "attest/bundle/settings_log.h"
#include "attest/node/attester.h"
#include "attest/simulated/simulated_tee.h"

namespace sotto::attest {
namespace {

class SimulatedAttester final : public Attester {
 public:
  SimulatedAttester(const crypto::Sha256Digest& program, int64_t time) : tee_(program, time) {}

  std::string platform() const override { return "simulated"; }

  bool measure(const Statement& statement, std::string&) override {
    for (const std::vector<uint8_t>& event : settings_events(statement)) {
      tee_.extend_rtmr3(crypto::sha384(event));
    }
    log_ = settings_log(statement, event_log::Registers::rtmrs);
    return true;
  }

  Result<Bundle> attest(const AttestRequest& request) override {
    Bundle bundle;
    bundle.statement.assign(request.statement.begin(), request.statement.end());
    bundle.nonce.assign(request.nonce.begin(), request.nonce.end());
    simulated::SimulatedTee::Quote made = tee_.quote(binding_of(request.nonce, request.statement));
    bundle.evidence.push_back({EvidenceKind::simulated_quote, std::move(made.quote), {}});
    bundle.collateral = std::move(made.collateral);
    if (!log_.empty()) bundle.event_logs.push_back({"cel", log_});
    return bundle;
  }

 private:
  simulated::SimulatedTee tee_;
  std::vector<uint8_t> log_;
};

}  // namespace

std::unique_ptr<Attester> make_simulated_attester(const crypto::Sha256Digest& program,
                                                  int64_t time) {
  return std::make_unique<SimulatedAttester>(program, time);
}

}  // namespace sotto::attest
