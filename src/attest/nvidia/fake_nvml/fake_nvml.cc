// A management library that plays NVIDIA's for a test: GPUs of our own making, and what can go wrong as
// SOTTO_FAKE_NVML names it. Loaded by the test alone.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "attest/nvidia/device_for_testing.h"
#include "attest/nvidia/nvml_abi.h"
#include "attest/nvidia/verify.h"

namespace {

using namespace sotto::attest::nvidia;

constexpr unsigned kGpus = 2;
constexpr nvml::Return kUnknownError = 999;

bool fault(std::string_view name) {
  const char* wanted = std::getenv("SOTTO_FAKE_NVML");
  return wanted != nullptr && name == wanted;
}

// Handles count from 1, since null is none.
DeviceForTesting& gpu(nvml::Device handle) {
  static DeviceForTesting gpus[kGpus];
  return gpus[reinterpret_cast<uintptr_t>(handle) - 1];
}

}  // namespace

extern "C" {

nvml::Return nvmlInit_v2() {
  return fault("init") ? kUnknownError : nvml::kSuccess;
}
nvml::Return nvmlShutdown() {
  return nvml::kSuccess;
}

nvml::Return nvmlDeviceGetCount_v2(unsigned* count) {
  *count = fault("no-gpus") ? 0 : kGpus;
  return nvml::kSuccess;
}

nvml::Return nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml::Device* device) {
  *device = reinterpret_cast<nvml::Device>(static_cast<uintptr_t>(index) + 1);
  return nvml::kSuccess;
}

nvml::Return nvmlSystemGetConfComputeState(nvml::ConfComputeState* state) {
  *state = {2, fault("off") ? 0U : 1U, fault("dev-tools") ? 1U : 0U};
  return fault("state") ? nvml::kNotSupported : nvml::kSuccess;
}

nvml::Return nvmlDeviceGetConfComputeGpuCertificate(nvml::Device device,
                                                    nvml::GpuCertificate* certificate) {
  const auto made = gpu(device).make();
  const std::vector<uint8_t>& pem = made.collateral.blobs().at(std::string(kDeviceChain));
  std::memcpy(certificate->attestation_chain, pem.data(), pem.size());
  // With a zero behind it, as text in C has.
  certificate->attestation_chain_bytes = static_cast<uint32_t>(pem.size() + 1);
  if (fault("chain-size")) certificate->attestation_chain_bytes = nvml::kReportBytesMax + 1;
  return nvml::kSuccess;
}

nvml::Return nvmlDeviceGetConfComputeGpuAttestationReport(nvml::Device device,
                                                          nvml::GpuAttestationReport* report) {
  DeviceForTesting& one = gpu(device);
  std::memcpy(one.nonce.data(), report->nonce, one.nonce.size());
  if (fault("nonce")) one.nonce[0] ^= 1;
  const std::vector<uint8_t> bytes = one.make().report;
  std::memcpy(report->report, bytes.data(), bytes.size());
  report->report_bytes = static_cast<uint32_t>(bytes.size());
  if (fault("report-size")) report->report_bytes = nvml::kReportBytesMax + 1;
  if (fault("no-report")) report->report_bytes = 0;
  return fault("report") ? kUnknownError : nvml::kSuccess;
}

}  // extern "C"
