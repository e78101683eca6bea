// Key and certificate by their source, then quote and logs until they belong together.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/collect_evidence.h"

#include <fstream>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/systemd_log.h"
#include "attest/event_log/tcg.h"

namespace sotto::attest::tpm {
namespace {

constexpr uint32_t kAzureKey = 0x81000003, kAzureCertificate = 0x01c101d0;
constexpr uint32_t kGoogleRsaCertificate = 0x01c10000, kGoogleRsaTemplate = 0x01c10001;
constexpr uint32_t kGoogleEccCertificate = 0x01c10002, kGoogleEccTemplate = 0x01c10003;
constexpr PcrSelection kAllPcrs{event_log::kSha256, 0xffffff};
constexpr int kAttempts = 3;

// Files of the kernel do not say their size.
Result<std::string> read_file(const std::filesystem::path& path, size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::unavailable, "{} cannot be opened", path.string());
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(ErrorKind::unavailable, "{} cannot be read", path.string());
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > bytes_max) {
    return fail(ErrorKind::exhausted, "{} is larger than {} bytes", path.string(), bytes_max);
  }
  return text;
}

struct Logs {
  std::string firmware, systemd;
  bool operator==(const Logs&) const = default;
};

Result<Logs> read_logs(const LogPaths& paths) {
  Logs logs;
  logs.firmware = TRY(read_file(paths.firmware, event_log::kLogBytesMax));
  std::error_code error;
  if (std::filesystem::exists(paths.systemd, error)) {
    logs.systemd = TRY(read_file(paths.systemd, event_log::kSystemdLogBytesMax));
  }
  return logs;
}

Result<void> take_google_key(Tpm& tpm, uint32_t key_template, uint32_t certificate,
                             QuoteEvidence& evidence) {
  evidence.key = TRY(tpm.make_key(TRY(tpm.read_nv(key_template))));
  evidence.certificate = TRY(tpm.read_nv(certificate));
  return {};
}

Result<void> take_key(Tpm& tpm, KeySource source, QuoteEvidence& evidence) {
  switch (source) {
    case KeySource::azure: {
      evidence.key = TRY(tpm.load_key(kAzureKey));
      if (TRY(tpm.has(kAzureCertificate))) {
        evidence.certificate = TRY(tpm.read_nv(kAzureCertificate));
      }
      return {};
    }
    case KeySource::google_rsa:
      return take_google_key(tpm, kGoogleRsaTemplate, kGoogleRsaCertificate, evidence);
    case KeySource::google_ecc:
      return take_google_key(tpm, kGoogleEccTemplate, kGoogleEccCertificate, evidence);
    case KeySource::own:
      evidence.key = TRY(tpm.make_key(KeyKind::p256));
      return {};
  }
  return fail(ErrorKind::internal, "no such source of a key");
}

}  // namespace

Result<KeySource> find_key_source(Tpm& tpm) {
  const auto has_both = [&](uint32_t one, uint32_t other) -> Result<bool> {
    return TRY(tpm.has(one)) && TRY(tpm.has(other));
  };
  if (TRY(tpm.has(kAzureKey))) return KeySource::azure;
  if (TRY(has_both(kGoogleRsaTemplate, kGoogleRsaCertificate))) return KeySource::google_rsa;
  if (TRY(has_both(kGoogleEccTemplate, kGoogleEccCertificate))) return KeySource::google_ecc;
  return KeySource::own;
}

Result<QuoteEvidence> collect_evidence(Tpm& tpm, KeySource source, Bytes qualifying,
                                       const LogPaths& paths) {
  QuoteEvidence evidence;
  TRY(take_key(tpm, source, evidence));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const Logs before = TRY(read_logs(paths));
    Quote quote = TRY(tpm.quote(qualifying, kAllPcrs));
    if (before != TRY(read_logs(paths))) continue;
    evidence.attest = std::move(quote.attest);
    evidence.signature = std::move(quote.signature);
    evidence.pcrs = std::move(quote.pcrs);
    evidence.event_log.assign(before.firmware.begin(), before.firmware.end());
    evidence.systemd_log = before.systemd;
    return evidence;
  }
  return fail(ErrorKind::unavailable, "the event logs grew while they were quoted, {} times",
              kAttempts);
}

}  // namespace sotto::attest::tpm
