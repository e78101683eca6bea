// Where the recorded evidence lies, and reading it, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.h"

namespace sotto::attest::testing {

// Tests that need them are skipped, loudly, where the folder is absent.
inline std::filesystem::path vectors() {
  return SOTTO_VECTORS_DIR;
}

inline std::vector<uint8_t> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
  CHECK(file && !bytes.empty());
  return bytes;
}

inline std::string read_text(const std::filesystem::path& path) {
  const std::vector<uint8_t> bytes = read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

inline boost::json::value read_json(const std::filesystem::path& path) {
  return boost::json::parse(read_text(path));
}

inline std::vector<uint8_t> from_hex(std::string_view text) {
  CHECK(text.size() % 2 == 0);
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

}  // namespace sotto::attest::testing

// At the start of a test over recorded evidence.
#define SKIP_WITHOUT_VECTORS()                                       \
  if (!std::filesystem::exists(::sotto::attest::testing::vectors())) \
  GTEST_SKIP() << "NO VECTORS at " << ::sotto::attest::testing::vectors()
