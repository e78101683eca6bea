// Collateral from the vendors' services: what a piece of evidence needs and did not bring.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "attest/collateral/answer.h"
#include "attest/collateral/cache.h"
#include "attest/evidence.h"
#include "base/bytes.h"
#include "base/result.h"
#include "fetch/fetch.h"

namespace sotto::attest::collateral {

// Addresses without a slash at their end. Whoever answers is not trusted: all of it is signed.
struct Sources {
  std::string intel =
      "https://api.trustedservices.intel.com";  // or a PCCS, which has the same paths
  // DER, or as a PCCS gives it in hexadecimal.
  std::string intel_root_crl = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
  std::string amd = "https://kdsintf.amd.com";
  std::string nvidia_rim = "https://rim.attestation.nvidia.com/v1/rim/";
  std::string nvidia_ocsp = "https://ocsp.ndis.nvidia.com";
  // Azure's metadata service, of the machine that this runs on: "http://169.254.169.254". Empty: not there.
  std::string azure_metadata = {};
  // The instance's attested document too, from there. It names the machine and its owner's subscription to
  // everybody who gets the evidence, so it is only fetched where it is asked for.
  bool azure_document = false;
  std::chrono::milliseconds limit{20'000};  // of each answer
};
inline constexpr std::string_view kAzureMetadata = "http://169.254.169.254";
// A PCCS at this address for all of Intel's.
void use_pccs(Sources& sources, std::string address);

class CollateralFetcher {
 public:
  CollateralFetcher(Sources sources, std::filesystem::path cache_folder)
      : sources_(std::move(sources)), cache_(std::move(cache_folder)) {}

  // The pieces that evidence of the kind needs and `have` lacks, by the names that verification reads; none
  // for kinds that need none. The evidence need not be verified. What was fetched less than a day ago is
  // taken from the cache, certificates of chips less than a month ago, OCSP answers half a day, unless it is
  // near its end (refresh_time()): then it is asked for again, once a minute at most. An answer that is not of
  // its kind is as if its source were down, and is not kept. Older answers where their source is down.
  // `unavailable` when there is neither; `malformed` for evidence that is none. `now` in Unix seconds.
  Result<Collateral> fetch(EvidenceKind kind, Bytes evidence, const Collateral& have, int64_t now);

  // In words, what of the last fetch() was old, and how old.
  const std::vector<std::string>& stale() const { return stale_; }

 private:
  struct Wanted {
    std::string url;
    std::string_view name;        // of the blob
    Check check;                  // of the answer's body
    std::string_view chain_name;  // of the blob for the issuers, empty for none
    std::string chain_field;      // of the answer that has them, lower case
    int64_t age_max = 86400;
    std::vector<uint8_t> ocsp_request = {};  // is posted, where it is not empty
  };
  static Result<int64_t> check(const Wanted& wanted, const CachedAnswer& answer);
  Result<void> add(const Wanted& wanted, const Collateral& have, int64_t now, Collateral& into);
  Result<CachedAnswer> get(const Wanted& wanted, int64_t now);
  Result<CachedAnswer> ask(const Wanted& wanted, int64_t now);
  Result<Collateral> fetch_intel(Bytes quote, bool tdx, const Collateral& have, int64_t now);
  Result<Collateral> fetch_amd(Bytes report, const Collateral& have, int64_t now);
  Result<Collateral> fetch_azure(Bytes report, const Collateral& have, int64_t now);
  Result<std::string> ask_azure(const std::string& path, std::string_view what,
                                const std::string& post = {});
  Result<void> add_azure_document(const Collateral& have, Collateral& into);
  Result<Collateral> fetch_nvidia(Bytes report, const Collateral& have, int64_t now);

  const Sources sources_;
  const Cache cache_;
  fetch::Fetcher fetcher_;
  std::vector<std::string> stale_;
};

}  // namespace sotto::attest::collateral
