// Reading the kernel's log and naming registers.
// SPDX-License-Identifier: Apache-2.0
#include "attest/node/hints.h"

#include <sys/klog.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

namespace json = boost::json;

constexpr size_t kLinesMax = 64;
constexpr size_t kLineBytesMax = 512;
constexpr size_t kLogBytes = 1 << 20;
constexpr int kReadAll = 3;  // syslog(2)

std::string read_kernel_log() {
  std::string text(kLogBytes, '\0');
  const int size = klogctl(kReadAll, text.data(), static_cast<int>(text.size()));
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text;
}

std::string printable_ascii(std::string_view line) {
  std::string text(line.substr(0, kLineBytesMax));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace

std::vector<std::string> tee_lines(std::string_view log) {
  constexpr std::string_view kWords[] = {"tdx",       "TDX",  "SEV",   "sev-guest",
                                         "sev_guest", "nsm",  "Nitro", "Confidential",
                                         "TPM",       "ccel", "CCEL"};
  std::vector<std::string> lines;
  while (!log.empty() && lines.size() < kLinesMax) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    const bool speaks = std::any_of(std::begin(kWords), std::end(kWords), [&](auto word) {
      return line.find(word) != std::string_view::npos;
    });
    if (speaks) lines.push_back(printable_ascii(line));
  }
  return lines;
}

json::object hints_json(const BundleAppraisal& own) {
  json::object registers;
  std::string platform = "unknown";
  for (const Appraisal& one : own.evidence) {
    if (!one.claims) continue;
    if (platform == "unknown") platform = one.claims->platform;
    for (const auto& [name, value] : one.claims->measurements) {
      const bool sha256 = name.starts_with("pcr") && name.find('.') == std::string::npos;
      if (sha256 && value.size() == 32) registers[name.substr(3)] = hex_of(value);
    }
  }
  if (platform == "unknown" && own.statement) platform = own.statement->platform;
  json::array lines;
  for (const std::string& line : tee_lines(read_kernel_log())) lines.emplace_back(line);
  json::object hints{{"platform", platform},         {"vm_size", nullptr},
                     {"tee_verified", own.verified}, {"azure_attestation", nullptr},
                     {"tpm_pcr_sha256", nullptr},    {"tee_dmesg", std::move(lines)}};
  if (!registers.empty()) hints["tpm_pcr_sha256"] = std::move(registers);
  return hints;
}

}  // namespace sotto::attest
