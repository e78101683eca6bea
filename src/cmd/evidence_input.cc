// Reading, fetching and verifying what was named.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/evidence_input.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <optional>

#include "attest/nvidia/evidence_list.h"
#include "attest/nvidia/verify.h"
#include "attest/verify/verify_evidence.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "cmd/evidence_files.h"
#include "crypto/random.h"
#include "fetch/fetch.h"

namespace sotto::cmd {

using namespace attest;

namespace {

Result<std::optional<std::vector<uint8_t>>> nonce_of(const EvidenceInput& input) {
  if (input.nonce.empty()) return std::nullopt;
  Result<std::vector<uint8_t>> nonce = bytes_of_hex(input.nonce);
  if (!nonce) return within("--nonce", nonce.error());
  return std::move(*nonce);
}

Result<Roots> roots_of(const EvidenceInput& input, EvidenceKind kind) {
  Roots roots = Roots::pinned();
  if (input.root.empty()) return roots;
  const std::vector<uint8_t> bytes = TRY(read_evidence_file(input.root, crypto::kPemBytesMax));
  Result<std::vector<crypto::Certificate>> given = crypto::parse_certificates(bytes);
  if (!given) return within("--root " + input.root, given.error());
  const std::vector<Vendor> vendors = vendors_of(kind);
  if (vendors.empty()) {
    return fail(ErrorKind::unsupported, "--root: evidence of kind {} is trusted by keys, not roots",
                to_string(kind));
  }
  for (Vendor vendor : vendors) {
    roots.replace(vendor, *given, roots.of(vendor).intermediates);
  }
  return roots;
}

bool is_url(const std::string& file) {
  return file.starts_with("https://") || file.starts_with("http://");
}

// From the node itself, made for the nonce. Who carries it does not matter.
Result<std::vector<uint8_t>> fetch_bundle(const std::string& url, Bytes nonce) {
  fetch::Request request;
  request.url = url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/attestation?nonce=" + hex_of(nonce);
  request.trust = fetch::Trust::nobody;
  request.answer_bytes_max = kBundleBytesMax;
  fetch::Fetcher fetcher;
  const fetch::Answer answer = TRY(fetcher.get(request));
  if (answer.status != 200) {
    return fail(ErrorKind::unavailable, "{}: no evidence: it answers with status {}", url,
                answer.status);
  }
  return std::vector<uint8_t>(answer.body.begin(), answer.body.end());
}

// The evidence in a file with what came with it: of a list as NVIDIA's tools write it, each device's.
Result<std::vector<BundledEvidence>> pieces_of(const EvidenceInput& input, EvidenceKind kind) {
  std::vector<uint8_t> bytes = TRY(read_evidence_file(input.file, kCollateralBytesMax));
  std::vector<BundledEvidence> pieces;
  const bool device =
      kind == EvidenceKind::nvidia_gpu_report || kind == EvidenceKind::nvidia_switch_report;
  if (!device || (bytes.front() != '[' && bytes.front() != '{')) {
    pieces.push_back({kind, std::move(bytes), {}});
    return pieces;
  }
  for (nvidia::DeviceEvidence& one : TRY(nvidia::parse_evidence_list(as_text(bytes)))) {
    Collateral collateral;
    TRY(collateral.add(std::string(nvidia::kDeviceChain), std::move(one.chain)));
    pieces.push_back({kind, std::move(one.report), std::move(collateral)});
  }
  return pieces;
}

}  // namespace

Result<int64_t> time_of(const std::string& text) {
  if (text.empty()) return static_cast<int64_t>(std::time(nullptr));
  if (text.size() <= 11 && text.find_first_not_of("0123456789") == std::string::npos) {
    return static_cast<int64_t>(std::stoll(text));
  }
  const Result<int64_t> time = parse_utc_time(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time) {
    return fail(ErrorKind::malformed, "--at {}: a time is like 2025-06-19T10:16:03Z or 2025-06-19",
                text);
  }
  return time;
}

Result<std::vector<Verified<Claims>>> verify_input(const EvidenceInput& input, EvidenceKind kind,
                                                   int64_t time) {
  const Roots roots = TRY(roots_of(input, kind));
  const VerifyOptions options{.nonce = TRY(nonce_of(input))};
  Collateral given;
  if (!input.collateral.empty()) given = TRY(read_collateral(input.collateral, kind));
  const auto fetcher = make_fetcher(input.fetch);
  std::vector<Verified<Claims>> all;
  for (const BundledEvidence& piece : TRY(pieces_of(input, kind))) {
    Collateral collateral = given;
    for (const auto& [name, bytes] : piece.collateral.blobs()) TRY(collateral.add(name, bytes));
    if (!input.offline) add_fetched(*fetcher, kind, piece.data, collateral);
    all.push_back(verify_evidence(kind, piece.data, collateral, roots, time, options));
  }
  return all;
}

Result<BundleAppraisal> appraise_bundle_of(const EvidenceInput& input, const std::string& path,
                                           const Policy& policy) {
  std::optional<std::vector<uint8_t>> nonce = TRY(nonce_of(input));
  std::vector<uint8_t> bytes;
  if (is_url(path)) {
    if (input.offline) return fail(ErrorKind::denied, "--offline, and {} is not here", path);
    if (!nonce) {
      nonce.emplace(32);
      crypto::fill_random(*nonce);
    }
    bytes = TRY(fetch_bundle(path, *nonce));
  } else {
    bytes = TRY(read_evidence_file(path, kBundleBytesMax));
  }
  const Result<Bundle> bundle = parse_bundle(as_text(bytes));
  if (!bundle) {
    return fail(bundle.error().kind, "{}: {}. For one piece of evidence name its kind with --kind",
                path, bundle.error().message);
  }
  if (bundle->evidence.empty()) {
    return fail(ErrorKind::malformed, "{}: a bundle without evidence", path);
  }
  const int64_t time = TRY(time_of(input.at));
  const Roots roots = TRY(roots_of(input, bundle->evidence.front().kind));
  return appraise_bundle(*bundle, policy, roots, time, {.nonce = std::move(nonce)});
}

void add_evidence_options(CLI::App& app, EvidenceInput& input) {
  std::vector<std::string> kinds;
  for (EvidenceKind kind : evidence_kinds()) kinds.emplace_back(to_string(kind));
  app.add_option("--kind", input.kind, "what the evidence is; without it a bundle")
      ->check(CLI::IsMember(kinds));
  app.add_option("--collateral", input.collateral,
                 "a folder of files by their names (tcb_info.json, pck_crl.der, …), one "
                 "certificate, manifest or key set, or a bundle's collateral as JSON");
  app.add_option("--at", input.at,
                 "verify as of this time, such as 2025-06-19T10:16:03Z; now by default");
  app.add_option("--nonce", input.nonce, "hexadecimal: must be in the evidence");
  app.add_option("--root", input.root,
                 "trust this root (PEM or DER) instead of the vendor's, for this one call");
  app.add_flag("--offline", input.offline, "use no network");
  add_fetch_options(app, input.fetch);
}

}  // namespace sotto::cmd
