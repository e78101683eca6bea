// Reading evidence and collateral.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/evidence_files.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "attest/json/strict_json.h"
#include "attest/verify/verify_evidence.h"
#include "base/text_encoding.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;
using attest::Collateral;

Result<Collateral> read_folder(const std::string& path) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored)) files.push_back(at->path());
  }
  if (error) return fail(ErrorKind::unavailable, "--collateral {}: {}", path, error.message());
  std::sort(files.begin(), files.end());
  Collateral collateral;
  for (const std::filesystem::path& file : files) {
    TRY(collateral.add(file.filename().string(),
                       TRY(read_evidence_file(file.string(), attest::kCollateralBytesMax))));
  }
  return collateral;
}

// {"name": base64url, …}, or nothing when it is another kind of JSON or none.
std::optional<Collateral> as_bundle(Bytes bytes) {
  const Result<json::value> value = attest::parse_strict_json(as_text(bytes), bytes.size());
  if (!value || !value->is_object()) return std::nullopt;
  Collateral collateral;
  for (const auto& [name, text] : value->get_object()) {
    if (!text.is_string()) return std::nullopt;
    const Result<std::vector<uint8_t>> blob = bytes_of_base64(text.get_string(), Base64::url);
    if (!blob || !collateral.add(std::string(name), *blob)) return std::nullopt;
  }
  return collateral;
}

}  // namespace

Result<std::vector<uint8_t>> read_evidence_file(const std::string& path, uint64_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes;
  char buffer[65536];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    bytes.insert(bytes.end(), buffer, buffer + file.gcount());
    if (bytes.size() > bytes_max) {
      return fail(ErrorKind::exhausted, "{}: more than {} bytes", path, bytes_max);
    }
  }
  if (!file.eof()) return fail(ErrorKind::unavailable, "{}: it cannot be read", path);
  if (bytes.empty()) return fail(ErrorKind::malformed, "{}: it is empty", path);
  return bytes;
}

Result<Collateral> read_collateral(const std::string& path, attest::EvidenceKind kind) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return read_folder(path);
  std::vector<uint8_t> bytes = TRY(read_evidence_file(path, attest::kCollateralBytesMax));
  if (std::optional<Collateral> bundle = as_bundle(bytes); bundle) return std::move(*bundle);
  Collateral collateral;
  const Result<std::string> name = attest::name_of_single_collateral(kind, bytes);
  if (!name) return within("--collateral", name.error());
  TRY(collateral.add(*name, std::move(bytes)));
  return collateral;
}

}  // namespace sotto::cmd
