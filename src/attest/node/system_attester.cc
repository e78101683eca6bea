// This machine's TEE, TPM and GPUs as a node's hardware.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <utility>

#include "attest/azure/collect.h"
#include "attest/azure/verify.h"
#include "attest/bundle/binding.h"
#include "attest/bundle/settings_log.h"
#include "attest/collect/rtmr.h"
#include "attest/node/attester.h"
#include "attest/nvidia/collect.h"
#include "attest/nvidia/verify.h"
#include "attest/tpm/collect.h"

namespace sotto::attest {
namespace {

using collect::Platform;

constexpr uint64_t kLogBytesMax = 8 << 20;
constexpr uint16_t kSha256 = 0x000b;  // TPM_ALG_ID

std::vector<uint8_t> read_log(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes(kLogBytesMax);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return file.eof() ? bytes : std::vector<uint8_t>();
}

class SystemAttester final : public Attester {
 public:
  SystemAttester(Platform platform, SystemPlaces system, std::unique_ptr<collect::Access> access,
                 CollateralSource source)
      : platform_(platform),
        system_(std::move(system)),
        access_(std::move(access)),
        source_(std::move(source)) {}

  std::string platform() const override {
    switch (platform_) {
      case Platform::tdx:
        return "intel-tdx";
      case Platform::sev_snp:
        return "amd-sev-snp";
      case Platform::nitro_enclave:
        return "aws-nitro";
      case Platform::azure_paravisor:
        return "azure";
      case Platform::tpm:
        return "tpm";
    }
    return "?";
  }

  bool measure(const Statement& statement, std::string& why) override {
    const Result<void> done =
        platform_ == Platform::tdx ? extend_rtmr3(statement) : extend_pcr(statement);
    if (!done) {
      why = done.error().message;
      return false;
    }
    log_ = settings_log(statement, platform_ == Platform::tdx ? event_log::Registers::rtmrs
                                                              : event_log::Registers::pcrs);
    return true;
  }

  Result<Bundle> attest(const AttestRequest& request) override {
    Bundle bundle;
    bundle.statement.assign(request.statement.begin(), request.statement.end());
    bundle.nonce.assign(request.nonce.begin(), request.nonce.end());
    const crypto::Sha512Digest binding = binding_of(request.nonce, request.statement);
    switch (platform_) {
      case Platform::tdx:
      case Platform::sev_snp:
      case Platform::nitro_enclave:
        TRY(add_processor(request, binding, bundle));
        break;
      case Platform::azure_paravisor:
        TRY(add_azure(binding, bundle));
        break;
      case Platform::tpm:
        TRY(add_tpm(binding, bundle));
        break;
    }
    TRY(add_gpus(binding, bundle));
    if (platform_ == Platform::tdx) {
      std::vector<uint8_t> ccel = read_log(system_.places.ccel);
      if (!ccel.empty()) bundle.event_logs.push_back({"ccel", std::move(ccel)});
    }
    if (!log_.empty()) bundle.event_logs.push_back({"cel", log_});
    return bundle;
  }

 private:
  Result<void> extend_rtmr3(const Statement& statement) {
    for (const std::vector<uint8_t>& event : settings_events(statement)) {
      TRY(collect::extend_rtmr(system_.places.rtmr3, crypto::sha384(event)));
    }
    return {};
  }

  Result<void> extend_pcr(const Statement& statement) {
    if (platform_ == Platform::nitro_enclave) {
      return fail(ErrorKind::unsupported, "an enclave's PCRs are locked before the program runs");
    }
    std::error_code ignored;
    if (!std::filesystem::exists(system_.places.tpm, ignored)) {
      return fail(ErrorKind::unavailable, "no run-time register: there is no TPM");
    }
    const std::unique_ptr<tpm::Tpm> tpm = TRY(tpm::Tpm::open(system_.tcti));
    for (const std::vector<uint8_t>& event : settings_events(statement)) {
      TRY(tpm->extend(kSettingsPcr, kSha256, crypto::sha256(event)));
    }
    return {};
  }

  // The piece with the collateral that its source adds.
  Result<void> add(EvidenceKind kind, std::vector<uint8_t> data, Collateral have, Bundle& bundle) {
    if (source_) {
      const Collateral more = TRY(source_(kind, data, have));
      for (const auto& [name, bytes] : more.blobs()) {
        if (!have.find(name)) TRY(have.add(name, bytes));
      }
    }
    bundle.evidence.push_back({kind, std::move(data), std::move(have)});
    return {};
  }

  Result<void> add_processor(const AttestRequest& request, const crypto::Sha512Digest& binding,
                             Bundle& bundle) {
    collect::CpuRequest wanted;
    wanted.report_data = binding;
    if (!request.nonce.empty()) wanted.nonce.emplace(request.nonce.begin(), request.nonce.end());
    if (!request.tls_spki.empty()) {
      wanted.public_key.emplace(request.tls_spki.begin(), request.tls_spki.end());
    }
    collect::CpuEvidence made =
        TRY(collect::collect_cpu_evidence(platform_, system_.places, *access_, wanted));
    TRY(add(made.kind, std::move(made.evidence), std::move(made.collateral), bundle));
    // Google's machines have a vTPM beside the TEE, whose key Google vouches for.
    std::error_code ignored;
    if (!std::filesystem::exists(system_.places.tpm, ignored)) return {};
    const Result<std::unique_ptr<tpm::Tpm>> tpm = tpm::Tpm::open(system_.tcti);
    if (!tpm) return {};
    const tpm::KeySource key = TRY(tpm::find_key_source(**tpm));
    if (key == tpm::KeySource::own) return {};
    return add_quote(**tpm, key, binding, bundle);
  }

  Result<void> add_quote(tpm::Tpm& tpm, tpm::KeySource key, const crypto::Sha512Digest& binding,
                         Bundle& bundle) {
    const tpm::QuoteEvidence quote =
        TRY(tpm::collect_evidence(tpm, key, qualifying_data_of(binding), system_.logs));
    const std::string text = tpm::serialize(quote);
    return add(EvidenceKind::tpm_quote, {text.begin(), text.end()}, {}, bundle);
  }

  Result<void> add_tpm(const crypto::Sha512Digest& binding, Bundle& bundle) {
    const std::unique_ptr<tpm::Tpm> tpm = TRY(tpm::Tpm::open(system_.tcti));
    return add_quote(*tpm, TRY(tpm::find_key_source(*tpm)), binding, bundle);
  }

  Result<void> add_azure(const crypto::Sha512Digest& binding, Bundle& bundle) {
    const std::unique_ptr<tpm::Tpm> tpm = TRY(tpm::Tpm::open(system_.tcti));
    azure::Collected made = TRY(azure::collect(*tpm, qualifying_data_of(binding), system_.logs));
    const std::string quote = tpm::serialize(made.quote);
    Collateral collateral;
    TRY(collateral.add(std::string(azure::kTpmQuoteBlob), {quote.begin(), quote.end()}));
    return add(EvidenceKind::azure_hcl_report, std::move(made.hcl_report), std::move(collateral),
               bundle);
  }

  // Nothing where there is no driver or its GPUs are not confidential: then the bundle says nothing of
  // them either.
  Result<void> add_gpus(const crypto::Sha512Digest& binding, Bundle& bundle) {
    const Result<nvidia::GpuCollector> gpus = nvidia::GpuCollector::open(system_.nvml);
    if (!gpus) return {};
    const nvidia::GpuSystem seen = TRY(gpus->system());
    if (!seen.confidential) return {};
    const auto nonce = gpu_nonce_of(bundle.evidence.front().data, binding);
    for (nvidia::DeviceEvidence& one : TRY(gpus->collect(nonce))) {
      Collateral collateral;
      TRY(collateral.add(std::string(nvidia::kDeviceChain), std::move(one.chain)));
      TRY(add(EvidenceKind::nvidia_gpu_report, std::move(one.report), std::move(collateral),
              bundle));
    }
    return {};
  }

  Platform platform_;
  SystemPlaces system_;
  std::unique_ptr<collect::Access> access_;
  CollateralSource source_;
  std::vector<uint8_t> log_;
};

}  // namespace

Result<std::unique_ptr<Attester>> make_system_attester(SystemPlaces system,
                                                       std::unique_ptr<collect::Access> access,
                                                       CollateralSource source) {
  const collect::Detection seen = collect::detect_platform(system.places);
  if (!seen.platform) return fail(ErrorKind::unavailable, "{}", seen.reason);
  return std::unique_ptr<Attester>(std::make_unique<SystemAttester>(
      *seen.platform, std::move(system), std::move(access), std::move(source)));
}

Result<crypto::Sha256Digest> program_digest() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  crypto::Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
         file.gcount() > 0) {
    hash.update(as_bytes({buffer.data(), static_cast<size_t>(file.gcount())}));
  }
  if (!file.eof()) return fail(ErrorKind::unavailable, "the program's own file cannot be read");
  return hash.finish();
}

}  // namespace sotto::attest
