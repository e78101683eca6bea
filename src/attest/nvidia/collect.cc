// Loading NVIDIA's management library and asking it for evidence.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/collect.h"

#include <dlfcn.h>

#include <algorithm>

#include "attest/nvidia/nvml_abi.h"
#include "base/text_encoding.h"
#include "crypto/x509.h"

namespace sotto::attest::nvidia {
namespace {

struct Close {
  void operator()(void* handle) const { dlclose(handle); }
};

template <class Function>
Result<void> find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  if (function == nullptr) {
    return fail(ErrorKind::unavailable, "NVIDIA's library has no {}; a newer driver has", name);
  }
  return {};
}

Result<void> check(nvml::Return result, std::string_view what) {
  if (result == nvml::kSuccess) return {};
  if (result == nvml::kNotSupported) {
    return fail(ErrorKind::unavailable, "{}: this GPU or its mode does not support it", what);
  }
  return fail(ErrorKind::unavailable, "{}: NVML error {}", what, result);
}

// The part that the library says it filled; `malformed` when that is none or more than there is.
Result<std::vector<uint8_t>> filled(const uint8_t* buffer, uint32_t bytes, uint32_t bytes_max,
                                    std::string_view what) {
  if (bytes == 0 || bytes > bytes_max) {
    return fail(ErrorKind::malformed, "{}: NVML says {} bytes, of {}", what, bytes, bytes_max);
  }
  return std::vector<uint8_t>(buffer, buffer + bytes);
}

// By the chip's name, as NVIDIA's tools write it.
std::string architecture_of(Bytes chain) {
  const auto certificates = crypto::parse_certificates(chain);
  if (!certificates) return "";
  const std::string name = certificates->front().subject_common_name();
  if (name.starts_with("GH")) return "HOPPER";
  if (name.starts_with("GB")) return "BLACKWELL";
  return "";
}

}  // namespace

struct GpuCollector::Library {
  std::unique_ptr<void, Close> handle;
  nvml::Return (*init)() = nullptr;
  nvml::Return (*shutdown)() = nullptr;
  nvml::Return (*count)(unsigned*) = nullptr;
  nvml::Return (*device)(unsigned, nvml::Device*) = nullptr;
  nvml::Return (*state)(nvml::ConfComputeState*) = nullptr;
  nvml::Return (*certificate)(nvml::Device, nvml::GpuCertificate*) = nullptr;
  nvml::Return (*report)(nvml::Device, nvml::GpuAttestationReport*) = nullptr;
  bool initialised = false;

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (initialised) shutdown();
  }

  Result<void> load(const std::filesystem::path& path) {
    handle.reset(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!handle) {
      return fail(ErrorKind::unavailable, "{} cannot be loaded: no NVIDIA driver", path.string());
    }
    void* library = handle.get();
    TRY(find(library, "nvmlInit_v2", init));
    TRY(find(library, "nvmlShutdown", shutdown));
    TRY(find(library, "nvmlDeviceGetCount_v2", count));
    TRY(find(library, "nvmlDeviceGetHandleByIndex_v2", device));
    TRY(find(library, "nvmlSystemGetConfComputeState", state));
    TRY(find(library, "nvmlDeviceGetConfComputeGpuCertificate", certificate));
    TRY(find(library, "nvmlDeviceGetConfComputeGpuAttestationReport", report));
    TRY(check(init(), "starting NVIDIA's library"));
    initialised = true;
    return {};
  }

  Result<DeviceEvidence> collect(unsigned index, Bytes nonce) const {
    nvml::Device gpu = nullptr;
    TRY(check(device(index, &gpu), "opening the GPU"));
    DeviceEvidence evidence;
    const auto certificates = std::make_unique<nvml::GpuCertificate>();
    TRY(check(certificate(gpu, certificates.get()), "reading the GPU's certificates"));
    evidence.chain =
        TRY(filled(certificates->attestation_chain, certificates->attestation_chain_bytes,
                   nvml::kAttestationChainBytesMax, "certificates"));
    while (!evidence.chain.empty() && evidence.chain.back() == 0) evidence.chain.pop_back();
    const auto answer = std::make_unique<nvml::GpuAttestationReport>();
    std::copy(nonce.begin(), nonce.end(), answer->nonce);
    TRY(check(report(gpu, answer.get()), "asking the GPU for a report"));
    evidence.report = TRY(
        filled(answer->report, answer->report_bytes, nvml::kReportBytesMax, "attestation report"));
    const ReportUnverified parsed = TRY(parse_report(evidence.report));
    if (!std::equal(nonce.begin(), nonce.end(), parsed.nonce.begin(), parsed.nonce.end())) {
      return fail(ErrorKind::untrusted, "the report is over another nonce, {}",
                  hex_of(parsed.nonce));
    }
    evidence.nonce = hex_of(nonce);
    evidence.architecture = architecture_of(evidence.chain);
    return evidence;
  }
};

Result<GpuCollector> GpuCollector::open(const std::filesystem::path& path) {
  auto library = std::make_shared<Library>();
  TRY(library->load(path));
  return GpuCollector(std::move(library));
}

Result<GpuSystem> GpuCollector::system() const {
  nvml::ConfComputeState state{};
  TRY(check(library_->state(&state), "reading the confidential-computing mode"));
  unsigned count = 0;
  TRY(check(library_->count(&count), "counting GPUs"));
  constexpr uint32_t kProduction = 2;
  return GpuSystem{state.cc_feature == 1, state.environment == kProduction,
                   state.dev_tools_mode == 1, count};
}

Result<std::vector<DeviceEvidence>> GpuCollector::collect(
    const std::array<uint8_t, kSpdmNonceBytes>& nonce) const {
  const GpuSystem system = TRY(this->system());
  if (!system.confidential) {
    return fail(ErrorKind::unavailable, "confidential computing is off on this machine's GPUs");
  }
  if (system.gpus == 0 || system.gpus > kDevicesMax) {
    return fail(ErrorKind::unavailable, "{} GPUs, 1 to {} can be attested", system.gpus,
                kDevicesMax);
  }
  std::vector<DeviceEvidence> all;
  for (unsigned i = 0; i < system.gpus; ++i) {
    Result<DeviceEvidence> evidence = library_->collect(i, nonce);
    if (!evidence) return within(fmt::format("GPU {}", i), evidence.error());
    all.push_back(*std::move(evidence));
  }
  return all;
}

}  // namespace sotto::attest::nvidia
