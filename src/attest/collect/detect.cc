// Looking for devices, processor flags and the maker's name.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/detect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace sotto::attest::collect {
namespace {

// Azure's machines have this asset tag, whatever their size.
constexpr std::string_view kAzureAssetTag = "7783-7084-3265-9085-8269-3286-77";

bool look_for(Detection& detection, std::string what, const std::filesystem::path& path, int mode) {
  Sign sign{std::move(what), ::access(path.c_str(), F_OK) == 0, path.string()};
  if (!sign.found) {
    sign.detail += fmt::format(": {}", std::strerror(errno));
  } else if (::access(path.c_str(), mode) != 0) {
    sign.detail += fmt::format(" is there, but: {}", std::strerror(errno));
  }
  detection.signs.push_back(std::move(sign));
  return detection.signs.back().found;
}

bool has_word(std::string_view line, std::string_view word) {
  for (size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t';
    if (begins && (end == line.size() || line[end] == ' ')) return true;
  }
  return false;
}

bool look_for_flag(Detection& detection, const std::string& flag,
                   const std::filesystem::path& cpuinfo) {
  Sign sign{fmt::format("processor flag {}", flag), false, cpuinfo.string()};
  std::ifstream in(cpuinfo);
  std::string line;
  while (!sign.found && std::getline(in, line)) {
    sign.found = line.starts_with("flags") && has_word(line, flag);
  }
  detection.signs.push_back(sign);
  return sign.found;
}

bool look_for_azure(Detection& detection, const std::filesystem::path& dmi) {
  const auto path = dmi / "chassis_asset_tag";
  std::ifstream in(path);
  std::string tag;
  std::getline(in, tag);
  const bool found = tag == kAzureAssetTag;
  detection.signs.push_back({"Azure's asset tag", found, path.string()});
  return found;
}

}  // namespace

std::string_view to_string(Platform platform) {
  switch (platform) {
    case Platform::tdx:
      return "Intel TDX";
    case Platform::sev_snp:
      return "AMD SEV-SNP";
    case Platform::nitro_enclave:
      return "AWS Nitro Enclave";
    case Platform::azure_paravisor:
      return "Azure confidential machine with a paravisor";
    case Platform::tpm:
      return "TPM without a TEE";
  }
  return "?";
}

Detection detect_platform(const Places& places) {
  Detection seen;
  const bool nsm = look_for(seen, "Nitro Security Module", places.nsm, R_OK | W_OK);
  const bool tsm = look_for(seen, "configfs-tsm", places.tsm_report, R_OK | W_OK | X_OK);
  const bool tdx_device = look_for(seen, "TDX guest device", places.tdx_guest, R_OK | W_OK);
  const bool tdx_flag = look_for_flag(seen, "tdx_guest", places.cpuinfo);
  const bool sev_device = look_for(seen, "SEV guest device", places.sev_guest, R_OK | W_OK);
  const bool sev_flag = look_for_flag(seen, "sev_snp", places.cpuinfo);
  const bool tpm = look_for(seen, "TPM", places.tpm, R_OK | W_OK);
  const bool azure = look_for_azure(seen, places.dmi);
  look_for(seen, "event log of the confidential computing firmware", places.ccel, R_OK);

  const auto choose = [&](Platform platform, std::string_view why) {
    seen.platform = platform;
    seen.reason = fmt::format("{}: {}", to_string(platform), why);
  };
  if (nsm) {
    choose(Platform::nitro_enclave, "it has a Nitro Security Module");
  } else if (tdx_device || (tsm && tdx_flag)) {
    choose(Platform::tdx, tdx_device ? "it has a TDX guest device" : "configfs-tsm and tdx_guest");
  } else if (sev_device || (tsm && sev_flag)) {
    choose(Platform::sev_snp,
           sev_device ? "it has a SEV guest device" : "configfs-tsm and sev_snp");
  } else if (azure && tpm) {
    choose(Platform::azure_paravisor, "it is Azure's, with a TPM and no guest device");
  } else if (tpm) {
    choose(Platform::tpm, "it has a TPM and no sign of a TEE");
  } else if (tdx_flag || sev_flag) {
    seen.reason = fmt::format(
        "the processor says {}, but there is neither a guest device nor "
        "configfs-tsm: load the kernel's module {}",
        tdx_flag ? "tdx_guest" : "sev_snp", tdx_flag ? "tdx_guest" : "sev-guest");
  } else {
    seen.reason = "no sign of a TEE";
  }
  return seen;
}

}  // namespace sotto::attest::collect
