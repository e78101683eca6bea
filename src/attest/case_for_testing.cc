// Writing and reading folders of synthetic evidence.
// SPDX-License-Identifier: Apache-2.0
#include "attest/case_for_testing.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/check.h"
#include "crypto/issue.h"

namespace sotto::attest {
namespace {

std::vector<uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  CHECK(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& path, Bytes bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  CHECK(out.good());
}

}  // namespace

void write_cases_for_testing(const std::filesystem::path& folder,
                             const std::vector<CaseForTesting>& cases,
                             const crypto::Certificate& root) {
  std::filesystem::remove_all(folder);
  std::string index;
  for (const CaseForTesting& one : cases) {
    index += fmt::format("{} {} {} {}\n", one.name, one.time, one.verdict, one.rule);
    write_file(folder / one.name / "evidence.bin", one.evidence);
    for (const auto& [name, bytes] : one.collateral.blobs()) {
      write_file(folder / one.name / name, bytes);
    }
  }
  write_file(folder / "cases.txt", as_bytes(index));
  write_file(folder / "root.pem", as_bytes(crypto::pem_of({root})));
}

CasesForTesting read_cases_for_testing(const std::filesystem::path& folder) {
  CasesForTesting read;
  auto roots = crypto::parse_certificates(read_file(folder / "root.pem"));
  CHECK(roots.has_value());
  read.roots = std::move(*roots);
  std::ifstream index(folder / "cases.txt");
  std::string line;
  while (std::getline(index, line)) {
    CaseForTesting one;
    std::istringstream words(line);
    CHECK(words >> one.name >> one.time >> one.verdict >> std::ws);
    CHECK(std::getline(words, one.rule));
    for (const auto& entry : std::filesystem::directory_iterator(folder / one.name)) {
      if (entry.path().filename() == "evidence.bin") {
        one.evidence = read_file(entry.path());
      } else {
        CHECK(one.collateral.add(entry.path().filename().string(), read_file(entry.path())));
      }
    }
    read.cases.push_back(std::move(one));
  }
  CHECK(!read.cases.empty());
  return read;
}

std::string verdict_for_testing(const Verified<Claims>& claims,
                                const Verified<std::vector<Rule>>& appraised) {
  const auto refused = [](const VerifyError& error) {
    return fmt::format("{} {}", to_string(error.reason),
                       error.rules.empty() ? "-" : error.rules.back().name);
  };
  if (!claims) return refused(claims.error());
  if (!appraised) return refused(appraised.error());
  return "verified -";
}

}  // namespace sotto::attest
