// Reading recorded evidence out of text files and JSON, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "attest/vectors_for_testing.h"
#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest::testing {

inline std::filesystem::path vectors() {
  return vectors_dir();
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
  const auto bytes = bytes_of_hex(text);
  CHECK(bytes.has_value());
  return *bytes;
}

}  // namespace sotto::attest::testing
