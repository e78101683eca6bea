// Options, and saying what could not be fetched.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/fetch_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>

#include "cmd/terminal.h"

namespace sotto::cmd {

void add_fetch_options(CLI::App& app, FetchOptions& options) {
  app.add_option("--pccs", options.pccs, "a PCCS instead of Intel's own service");
  app.add_option("--kds", options.kds, "instead of AMD's key service");
  app.add_option("--rim", options.rim, "instead of NVIDIA's service of manifests");
  app.add_option("--cache", options.cache,
                 "where fetched collateral is kept; default: the user's data folder");
}

std::unique_ptr<attest::collateral::CollateralFetcher> make_fetcher(const FetchOptions& options) {
  attest::collateral::Sources sources;
  if (!options.pccs.empty()) use_pccs(sources, options.pccs);
  if (!options.kds.empty()) sources.amd = options.kds;
  if (!options.rim.empty()) sources.nvidia_rim = options.rim;
  if (options.own_machine) sources.azure_metadata = attest::collateral::kAzureMetadata;
  sources.azure_document = options.azure_document;
  return std::make_unique<attest::collateral::CollateralFetcher>(
      std::move(sources), options.cache.empty() ? attest::collateral::default_cache_folder()
                                                : std::filesystem::path(options.cache));
}

void add_fetched(attest::collateral::CollateralFetcher& fetcher, attest::EvidenceKind kind,
                 Bytes evidence, attest::Collateral& collateral) {
  const Result<attest::Collateral> fetched =
      fetcher.fetch(kind, evidence, collateral, std::time(nullptr));
  if (!fetched) {
    fmt::print(stderr, "sotto: collateral could not be fetched: {}\n",
               printable(fetched.error().message));
    return;
  }
  for (const std::string& old : fetcher.stale()) {
    fmt::print(stderr, "sotto: {}\n", printable(old));
  }
  for (const auto& [name, bytes] : fetched->blobs()) {
    if (!collateral.add(name, bytes)) return;
  }
}

}  // namespace sotto::cmd
