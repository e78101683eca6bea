// JSON files by the digest of their URL.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collateral/cache.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <tuple>

#include "attest/json/strict_json.h"
#include "base/output_file.h"
#include "base/text_encoding.h"
#include "crypto/sha256.h"

namespace sotto::attest::collateral {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr uint64_t kFileBytesMax = kCacheEntryBytesMax * 3 / 2 + (1 << 20);

std::string digest_of(const std::string& url, const CachedAnswer& answer) {
  crypto::Sha256 hash;
  hash.update(as_bytes(url));
  hash.update(as_bytes(std::to_string(answer.fetched_at)));
  hash.update(as_bytes(answer.chain));
  hash.update(answer.body);
  return hex_of(hash.finish());
}

void remove_oldest(const fs::path& folder, const CacheLimits& limits) {
  struct File {
    fs::file_time_type written;
    fs::path path;
    uint64_t bytes;
  };
  std::vector<File> files;
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".json") continue;
    // Another process may have removed it since.
    std::error_code gone;
    const File file{at->last_write_time(gone), at->path(), at->file_size(gone)};
    if (gone) continue;
    files.push_back(file);
    bytes += file.bytes;
  }
  std::ranges::sort(files, {}, [](const File& file) { return std::tie(file.written, file.path); });
  size_t left = files.size();
  for (const File& file : files) {
    if (left <= limits.entries_max && bytes <= limits.bytes_max) return;
    fs::remove(file.path, error);
    bytes -= file.bytes;
    --left;
  }
}

}  // namespace

Result<CachedAnswer> parse_cache_entry(std::string_view text, const std::string& url) {
  const json::value value = TRY(parse_strict_json(text, kFileBytesMax));
  if (!value.is_object()) return fail(ErrorKind::malformed, "no JSON object");
  const json::object& object = value.get_object();
  CachedAnswer answer;
  answer.fetched_at = TRY(json_integer(object, "fetched_at", "cache"));
  answer.chain = std::string(TRY(json_string(object, "chain", "cache")));
  const std::string_view body = TRY(json_string(object, "body", "cache"));
  answer.body = TRY(bytes_of_base64(body, Base64::url));
  if (TRY(json_string(object, "sha256", "cache")) != digest_of(url, answer)) {
    return fail(ErrorKind::untrusted, "the entry was changed");
  }
  return answer;
}

fs::path Cache::path_of(const std::string& url) const {
  return folder_ / (hex_of(crypto::sha256(as_bytes(url))) + ".json");
}

std::optional<CachedAnswer> Cache::find(const std::string& url) const {
  if (folder_.empty()) return std::nullopt;
  std::error_code error;
  const uint64_t size = fs::file_size(path_of(url), error);
  if (error || size > kFileBytesMax) return std::nullopt;
  std::ifstream file(path_of(url), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Result<CachedAnswer> answer = parse_cache_entry(text, url);
  if (!answer) return std::nullopt;
  return *answer;
}

void Cache::put(const std::string& url, const CachedAnswer& answer) const {
  if (folder_.empty() || answer.body.size() > kCacheEntryBytesMax) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  const std::string text =
      json::serialize(json::object{{"fetched_at", answer.fetched_at},
                                   {"chain", answer.chain},
                                   {"body", base64_of(answer.body, Base64::url)},
                                   {"sha256", digest_of(url, answer)}});
  Result<OutputFile> file = OutputFile::create(path_of(url));
  const bool kept = file && file->append(as_bytes(text)) && file->commit();
  if (kept) remove_oldest(folder_, limits_);
}

fs::path default_cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? fs::path() : fs::path(value);
  };
  if (const fs::path home = variable("SOTTO_HOME"); !home.empty()) return home / "collateral";
  if (const fs::path data = variable("XDG_DATA_HOME"); !data.empty()) {
    return data / "sotto" / "collateral";
  }
  const fs::path home = variable("HOME");
  return home.empty() ? home : home / ".local/share/sotto/collateral";
}

}  // namespace sotto::attest::collateral
