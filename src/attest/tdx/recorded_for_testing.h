// Recorded quotes and their collateral, gathered from the folders in which they lie.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "attest/tdx/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::tdx {

// Open Enclave's dump of a quote's collateral: a header, then pointers and sizes of seven pieces, of
// which the pointers count relative to the first.
inline void add_open_enclave_tdx(const std::string& path, Collateral& collateral) {
  const std::vector<uint8_t> bytes = read_vector(path);
  const std::string_view names[] = {kPckCrlIssuerChain, kRootCaCrl, kPckCrl,
                                    kTcbSigningChain,   kTcbInfo,   kQeIdentitySigningChain,
                                    kQeIdentity};
  uint64_t place[14];
  ASSERT_GT(bytes.size(), 8 + sizeof place);
  std::memcpy(place, bytes.data() + 8, sizeof place);
  for (size_t i = 0; i < std::size(names); ++i) {
    const uint8_t* from = bytes.data() + 8 + sizeof place + (place[2 * i] - place[0]);
    uint64_t size = place[2 * i + 1];
    ASSERT_LE(from + size, bytes.data() + bytes.size());
    while (size > 0 && from[size - 1] == 0) --size;  // strings end in zeros
    ASSERT_TRUE(collateral.add(std::string(names[i]), {from, from + size}));
  }
}

// The same for SGX: after a comment, offsets of nine pieces, the first and the last of which are a
// version and a time.
inline void add_open_enclave_sgx(const std::string& path, Collateral& collateral) {
  const std::vector<uint8_t> bytes = read_vector(path);
  const std::string_view names[] = {
      kTcbInfo,    kTcbSigningChain,       kPckCrl, kRootCaCrl, kPckCrlIssuerChain,
      kQeIdentity, kQeIdentitySigningChain};
  constexpr size_t kHeaderAt = 81;
  uint32_t offsets[9];
  ASSERT_GT(bytes.size(), kHeaderAt + 16 + sizeof offsets);
  std::memcpy(offsets, bytes.data() + kHeaderAt + 16, sizeof offsets);
  for (size_t i = 0; i < std::size(names); ++i) {
    const uint8_t* data = bytes.data() + kHeaderAt + 16 + sizeof offsets;
    ASSERT_LE(data + offsets[i + 2], bytes.data() + bytes.size());
    std::vector<uint8_t> piece(data + offsets[i + 1], data + offsets[i + 2]);
    while (!piece.empty() && piece.back() == 0) piece.pop_back();
    ASSERT_TRUE(collateral.add(std::string(names[i]), piece));
  }
}

// Pieces with spaces between, later ones instead of earlier ones: "FOLDER/" for every file in it,
// "oe-tdx:FILE", "oe-sgx:FILE", or "NAME=FILE". Paths are below vectors/.
inline Collateral recorded_collateral(const std::string& pieces) {
  Collateral collateral;
  std::istringstream words(pieces);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (word.ends_with('/')) {
      const Collateral folder = read_collateral(word.substr(0, word.size() - 1));
      for (const auto& [name, bytes] : folder.blobs()) EXPECT_TRUE(collateral.add(name, bytes));
    } else if (word.starts_with("oe-tdx:")) {
      add_open_enclave_tdx(word.substr(7), collateral);
    } else if (word.starts_with("oe-sgx:")) {
      add_open_enclave_sgx(word.substr(7), collateral);
    } else if (equals != std::string::npos) {
      EXPECT_TRUE(collateral.add(word.substr(0, equals), read_vector(word.substr(equals + 1))));
    } else {
      ADD_FAILURE() << word << " says no collateral";
    }
  }
  return collateral;
}

// A file, or behind "N:" all but its first N bytes, or before ":N" only its first N.
inline std::vector<uint8_t> recorded_quote(const std::string& what) {
  const size_t colon = what.find(':');
  if (colon == std::string::npos) return read_vector(what);
  const bool skips = what.find('/') > colon;
  const size_t count = std::stoul(skips ? what.substr(0, colon) : what.substr(colon + 1));
  std::vector<uint8_t> bytes = read_vector(skips ? what.substr(colon + 1) : what.substr(0, colon));
  EXPECT_LT(count, bytes.size());
  if (skips) {
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
  } else {
    bytes.resize(count);
  }
  return bytes;
}

}  // namespace sotto::attest::tdx
