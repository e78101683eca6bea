// Numbers, names, and the hashes that crypto/ computes.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/algorithms.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace sotto::attest::event_log {
namespace {

using crypto::HashAlgorithm;

struct Known {
  uint16_t number;
  HashAlgorithm algorithm;
  std::string_view name;
};
constexpr std::array kKnown{Known{kSha1, HashAlgorithm::sha1, "sha1"},
                            Known{kSha256, HashAlgorithm::sha256, "sha256"},
                            Known{kSha384, HashAlgorithm::sha384, "sha384"},
                            Known{kSha512, HashAlgorithm::sha512, "sha512"}};

const Known* find(uint16_t number) {
  for (const Known& known : kKnown) {
    if (known.number == number) return &known;
  }
  return nullptr;
}

}  // namespace

std::string algorithm_name(uint16_t algorithm) {
  const Known* known = find(algorithm);
  return known == nullptr ? fmt::format("algorithm {:#06x}", algorithm) : std::string(known->name);
}

Result<uint16_t> algorithm_named(std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name == name) return known.number;
  }
  return fail(ErrorKind::unsupported,
              "no hash algorithm that this program can compute is named so");
}

Result<HashAlgorithm> hash_algorithm(uint16_t algorithm) {
  const Known* known = find(algorithm);
  if (known != nullptr) return known->algorithm;
  return fail(ErrorKind::unsupported, "{} is not one that this program can compute",
              algorithm_name(algorithm));
}

Result<size_t> hash_bytes(uint16_t algorithm) {
  return crypto::digest_bytes(TRY(hash_algorithm(algorithm)));
}

Result<std::vector<uint8_t>> hash(uint16_t algorithm, std::initializer_list<Bytes> parts) {
  const HashAlgorithm known = TRY(hash_algorithm(algorithm));
  if (parts.size() == 1) return crypto::hash(known, *parts.begin());
  std::vector<uint8_t> joined;
  for (const Bytes part : parts) joined.insert(joined.end(), part.begin(), part.end());
  return crypto::hash(known, joined);
}

}  // namespace sotto::attest::event_log
