// Where collateral is fetched from, as the command line says it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "attest/collateral/fetch_collateral.h"

namespace sotto::cmd {

struct FetchOptions {
  std::string pccs = {};
  std::string kds = {};
  std::string rim = {};
  std::string cache = {};
  bool own_machine = false;     // the evidence is this machine's: its metadata service is asked too
  bool azure_document = false;  // and on Azure for the instance's attested document
};

// --pccs, --kds, --rim, --cache.
void add_fetch_options(CLI::App& app, FetchOptions& options);
std::unique_ptr<attest::collateral::CollateralFetcher> make_fetcher(const FetchOptions& options);

// Adds what the evidence needs and lacks; what could not be had, and what is old, is said on standard
// error, and verification says what is missing.
void add_fetched(attest::collateral::CollateralFetcher& fetcher, attest::EvidenceKind kind,
                 Bytes evidence, attest::Collateral& collateral);

}  // namespace sotto::cmd
