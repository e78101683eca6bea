// The order in which a device's evidence is checked.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/verify.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "attest/nvidia/chain.h"
#include "attest/nvidia/device.h"
#include "attest/nvidia/fwid.h"
#include "attest/nvidia/rim.h"
#include "attest/nvidia/spdm_report.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "crypto/ocsp.h"

namespace sotto::attest::nvidia {
namespace {

constexpr int64_t kClockGraceSeconds = 300;

using crypto::Certificate;

constexpr uint32_t kNvdec0Measurement = 35;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class Verification {
 public:
  Verification(EvidenceKind kind, const Collateral& collateral, const Roots& roots, int64_t time,
               const DeviceOptions& options)
      : collateral_(collateral), roots_(roots), time_(time), options_(options) {
    claims_.kind = kind;
    claims_.platform = kind == EvidenceKind::nvidia_gpu_report ? "nvidia-gpu" : "nvidia-switch";
    claims_.verified_at = time;
  }

  Verified<Claims> run(Bytes evidence) {
    report_ = TRY(rules_.check("report-format", "an SPDM 1.1 measurement report",
                               lift("report", parse_report(evidence))));
    TRY(rules_.check("revocation-lists", "lists that can be read", read_crls()));
    TRY(rules_.check("device-certificates", "the device's and its issuers'", read_chain()));
    const Certificate& leaf = chain_.front();
    // Before the chain, because it costs a fifth of it: what is refused is refused early. Neither
    // counts without the other.
    TRY(rules_.check("report-signature", "by the device's key", check_signature(leaf)));
    TRY(rules_.check("device-chain", "a path from the device to NVIDIA's root", check_chain()));
    TRY(check_device(leaf));
    TRY(check_firmware_id(leaf));
    TRY(check_nonce());
    TRY(describe_claims());
    TRY(check_rims());
    claims_.valid_until = valid_until_;
    claims_.root_replaced =
        roots_.of(Vendor::nvidia_device).replaced || roots_.of(Vendor::nvidia_rim).replaced;
    claims_.rules = rules_.rules();
    return std::move(claims_);
  }

 private:
  bool is_switch_kind() const { return claims_.kind == EvidenceKind::nvidia_switch_report; }

  Verified<void> read_crls() {
    for (const auto& [name, bytes] : collateral_.blobs()) {
      if (!name.starts_with(kCrlPrefix)) continue;
      crls_.push_back(TRY(lift(name, crypto::Crl::parse(bytes))));
    }
    claims_.flags["revocation_checked"] = !crls_.empty();
    return {};
  }

  Verified<void> read_chain() {
    const Bytes pem = TRY(collateral_.need(kDeviceChain));
    chain_ = TRY(lift(kDeviceChain, crypto::parse_certificates(pem, kChainMax)));
    return {};
  }

  Verified<void> check_chain() {
    const std::vector<Certificate> path =
        TRY(verify_ordered_chain("device", chain_, roots_.of(Vendor::nvidia_device), crls_, time_));
    valid_until_ = std::min(valid_until_, valid_until(path));
    if (path[0].is_ca()) {
      return refuse(Reason::identity_mismatch, "\"{}\" is a CA, not a device", path[0].subject());
    }
    claims_.notes.emplace("device", path[0].subject());
    claims_.notes.emplace("device_serial", hex_of(path[0].serial()));
    if (path.size() > 1) claims_.notes.emplace("boot_rom", path[1].subject());
    return check_ocsp(path);
  }

  Verified<void> check_ocsp(const std::vector<Certificate>& path) {
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      const auto response = collateral_.find(fmt::format("{}{}.der", kOcspPrefix, i));
      if (!response) continue;
      const crypto::OcspAnswer answer =
          TRY(lift("OCSP", crypto::read_ocsp(*response, path[i], path[i + 1],
                                             roots_.of(Vendor::nvidia_device).roots, time_)));
      TRY(rules_.require("device-ocsp", !answer.revoked, Reason::revoked, "not revoked",
                         (answer.revoked ? "revoked: " : "not revoked: ") + path[i].subject()));
      const bool current = answer.this_update <= time_ + kClockGraceSeconds &&
                           (!answer.next_update || time_ < *answer.next_update);
      TRY(rules_.require("device-ocsp", current,
                         answer.this_update > time_ ? Reason::not_yet_valid : Reason::expired,
                         "an answer of this time", utc_time_text(answer.this_update)));
      if (answer.next_update) valid_until_ = std::min(valid_until_, *answer.next_update);
      claims_.flags["revocation_checked"] = true;
    }
    return {};
  }

  Verified<void> check_device(const Certificate& leaf) {
    device_ =
        TRY(rules_.check("device-kind", "a device that is known", lift("device", device_of(leaf))));
    const bool is_one = is_switch(device_.architecture);
    return rules_.require("device-kind", is_one == is_switch_kind(), Reason::wrong_kind,
                          is_switch_kind() ? "a switch" : "a GPU", is_one ? "a switch" : "a GPU");
  }

  Verified<void> check_signature(const Certificate& leaf) {
    const crypto::PublicKey key = TRY(lift("device", leaf.public_key()));
    if (key.type() != crypto::KeyType::ec_p384) {
      return refuse(Reason::unsupported, "the device's key is on {}, not on P-384",
                    crypto::to_string(key.type()));
    }
    return lift("report", crypto::verify_signature(key, crypto::SignatureScheme::ecdsa_raw,
                                                   crypto::HashAlgorithm::sha384,
                                                   report_.signed_bytes, report_.signature));
  }

  // What the report calls its firmware must be what the device's boot ROM certified. Reports of older
  // drivers and of switches do not repeat it; the certificate always has it.
  Verified<void> check_firmware_id(const Certificate& leaf) {
    const std::vector<std::vector<uint8_t>> certified =
        TRY(rules_.check("firmware-id", "the certificate says which firmware it is for",
                         lift("device certificate", firmware_ids(leaf))));
    claims_.values.emplace("certified_fwid", certified.front());
    const std::optional<Bytes> reported = report_.find(OpaqueField::fwid);
    if (!reported) {
      rules_.record("firmware-id", RuleVerdict::passed,
                    "a certified firmware, as reported if it is",
                    "certified, and not repeated: " + hex_of(certified.front()));
      return {};
    }
    const bool equal = std::equal(reported->begin(), reported->end(), certified.front().begin(),
                                  certified.front().end());
    return rules_.require("firmware-id", equal, Reason::binding_mismatch, hex_of(certified.front()),
                          hex_of(*reported));
  }

  Verified<void> check_nonce() {
    if (options_.nonce.empty()) return {};
    const bool equal = std::equal(report_.nonce.begin(), report_.nonce.end(),
                                  options_.nonce.begin(), options_.nonce.end());
    return rules_.require("nonce", equal, Reason::binding_mismatch, hex_of(options_.nonce),
                          hex_of(report_.nonce));
  }

  Verified<void> describe_claims() {
    return rules_.check("report-content", "fields that this program understands",
                        lift("report", describe(report_, device_, claims_)));
  }

  // The manifest of that name, verified, of the version and the product that it must be.
  Verified<std::optional<Rim>> check_rim(std::string_view rule, std::string_view name,
                                         const std::string& version) {
    const std::optional<Bytes> xml = collateral_.find(name);
    if (!xml && !options_.rims_required) {
      rules_.record(rule, RuleVerdict::skipped, "a signed manifest for " + version, "none given");
      return std::optional<Rim>();
    }
    Rim rim = TRY(rules_.check(rule, "a manifest that NVIDIA signed", load_rim(name)));
    TRY(rules_.require(std::string(rule) + "-version", lower(rim.version) == lower(version),
                       Reason::wrong_collateral, version, rim.version));
    const auto chip_info = claims_.notes.find("chip_info");
    const bool product = rim.product == device_.chip ||
                         (chip_info != claims_.notes.end() && rim.product == chip_info->second);
    const std::string edition = is_switch_kind() ? "SWITCH" : "GPU";
    TRY(rules_.require(std::string(rule) + "-product", product && rim.edition == edition,
                       Reason::wrong_collateral, edition + " " + device_.chip,
                       rim.edition + " " + rim.product));
    valid_until_ = std::min(valid_until_, rim.valid_until);
    claims_.notes.emplace(std::string(rule) + "-signer", rim.signer);
    return std::optional<Rim>(std::move(rim));
  }

  Verified<Rim> load_rim(std::string_view name) {
    return verify_rim(TRY(collateral_.need(name)), roots_.of(Vendor::nvidia_rim), crls_, time_);
  }

  Verified<void> check_rims() {
    std::optional<Rim> driver;
    if (!is_switch_kind()) {
      const auto version = claims_.notes.find("driver_version");
      TRY(rules_.require("report-content", version != claims_.notes.end(), Reason::malformed,
                         "a driver's version", "none"));
      driver = TRY(check_rim("driver-rim", kDriverRim, version->second));
    }
    const std::optional<Rim> vbios =
        TRY(check_rim("vbios-rim", kVbiosRim, claims_.notes.at("vbios_version")));
    std::map<uint32_t, std::vector<std::vector<uint8_t>>> allowed;
    if (driver) allowed = driver->allowed;
    std::optional<uint32_t> conflict;
    if (vbios) {
      for (const auto& [index, values] : vbios->allowed) {
        if (!allowed.emplace(index, values).second) conflict = index;
      }
    }
    TRY(rules_.require("rim-indices", !conflict, Reason::wrong_collateral,
                       "each measurement active in one manifest",
                       conflict ? fmt::format("{} in both", *conflict) : "each in one"));
    TRY(check_measurements(allowed));
    const bool all = vbios && (driver || is_switch_kind());
    claims_.flags.emplace("measurements_match", all);
    return {};
  }

  Verified<void> check_measurements(
      const std::map<uint32_t, std::vector<std::vector<uint8_t>>>& allowed) {
    const auto nvdec0 = claims_.flags.find("nvdec0");
    const bool skip_nvdec0 = nvdec0 != claims_.flags.end() && !nvdec0->second;
    size_t matched = 0;
    for (const auto& [index, values] : allowed) {
      if (index == kNvdec0Measurement && skip_nvdec0) continue;
      const bool present = index < report_.measurements.size();
      const bool holds = present && std::find(values.begin(), values.end(),
                                              report_.measurements[index]) != values.end();
      if (!holds) {
        return rules_.require("measurements", false, Reason::measurement_mismatch,
                              fmt::format("measurement {}: one of {} values, such as {}", index,
                                          values.size(), hex_of(values.front())),
                              present ? hex_of(report_.measurements[index]) : "none");
      }
      ++matched;
    }
    if (allowed.empty()) return {};
    rules_.record("measurements", RuleVerdict::passed, "every active measurement as allowed",
                  fmt::format("{} match", matched));
    return {};
  }

  const Collateral& collateral_;
  const Roots& roots_;
  const int64_t time_;
  const DeviceOptions& options_;
  RuleList rules_;
  Claims claims_;
  ReportUnverified report_;
  Device device_;
  std::vector<Certificate> chain_;
  std::vector<crypto::Crl> crls_;
  int64_t valid_until_ = INT64_MAX;
};

Result<std::string> need_text(const ReportUnverified& report, OpaqueField field,
                              std::string_view name) {
  std::optional<std::string> text = TRY(report.text(field));
  if (!text || text->empty()) return fail(ErrorKind::malformed, "the report has no {}", name);
  return *std::move(text);
}

}  // namespace

Verified<Claims> verify_gpu_report(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                   int64_t time, const DeviceOptions& options) {
  return Verification(EvidenceKind::nvidia_gpu_report, collateral, roots, time, options)
      .run(evidence);
}

Verified<Claims> verify_switch_report(Bytes evidence, const Collateral& collateral,
                                      const Roots& roots, int64_t time,
                                      const DeviceOptions& options) {
  return Verification(EvidenceKind::nvidia_switch_report, collateral, roots, time, options)
      .run(evidence);
}

Result<std::string_view> rim_collateral_name(Bytes xml) {
  return TRY(parse_rim_unverified(xml)).is_vbios() ? kVbiosRim : kDriverRim;
}

Result<RimNames> rim_names(Bytes bytes, const Certificate& leaf) {
  const ReportUnverified report = TRY(parse_report(bytes));
  const Device device = TRY(device_of(leaf));
  std::string vbios = TRY(report.vbios_version());
  std::erase(vbios, '.');
  RimNames names;
  if (is_switch(device.architecture)) {
    // Switches do not say what board they are; all known ones are this one.
    names.vbios = "NV_SWITCH_BIOS_5612_0002_890_" + vbios;
    return names;
  }
  const std::string driver = TRY(need_text(report, OpaqueField::driver_version, "driver version"));
  const std::string sku = TRY(need_text(report, OpaqueField::chip_sku, "chip SKU"));
  const std::string project = TRY(need_text(report, OpaqueField::project, "project"));
  const std::string project_sku = TRY(need_text(report, OpaqueField::project_sku, "project SKU"));
  if (device.architecture == Architecture::hopper) {
    names.driver = "NV_GPU_DRIVER_GH100_" + driver;
  } else {
    const std::optional<std::string> chip = TRY(report.text(OpaqueField::chip_info));
    names.driver = "NV_GPU_CC_DRIVER_" + chip.value_or(device.chip) + "_" + driver;
  }
  std::transform(vbios.begin(), vbios.end(), vbios.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  names.vbios = fmt::format("NV_GPU_VBIOS_{}_{}_{}_{}", project, project_sku, sku, vbios);
  return names;
}

}  // namespace sotto::attest::nvidia
