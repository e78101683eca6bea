// Reading and writing the file with toml++, and looking keys up.
// SPDX-License-Identifier: Apache-2.0
#include "serve/keys.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "base/output_file.h"
#include "base/toml.h"
#include "crypto/random.h"

namespace sotto::serve {
namespace {

constexpr std::string_view kPrefix = "sk-sotto-";
constexpr size_t kIdDigits = 8, kSaltDigits = 32, kSecretDigits = 64;
constexpr size_t kKeyBytes = kPrefix.size() + kIdDigits + 1 + kSecretDigits;

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string random_hex(size_t digits) {
  SecretVector<uint8_t> bytes(digits / 2);
  crypto::fill_random(bytes);
  return hex(bytes);
}

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

uint8_t digit(char c) {
  return static_cast<uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
}

crypto::Sha256Digest hash_of(std::string_view salt, std::string_view key) {
  crypto::Sha256 hash;
  hash.update(as_bytes(salt));
  hash.update(as_bytes(key));
  return hash.finish();
}

std::unexpected<Error> bad(const toml::node& node, std::string_view what) {
  const toml::source_region& source = node.source();
  return fail(ErrorKind::malformed, "line {}, column {}: {}", source.begin.line,
              source.begin.column, what);
}

Result<std::string> text_of(const toml::table& table, std::string_view name) {
  const std::optional<std::string> text = table[name].value<std::string>();
  if (!text) return bad(table, fmt::format("the key has no {}", name));
  return *text;
}

Result<uint64_t> limit_of(const toml::table& table, std::string_view name) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return 0;
  const std::optional<int64_t> number = node->value<int64_t>();
  if (!number || *number < 1) return bad(*node, fmt::format("{} is not a positive number", name));
  return static_cast<uint64_t>(*number);
}

Result<void> check_names(const toml::table& table) {
  constexpr std::string_view kNames[] = {"name",
                                         "id",
                                         "salt",
                                         "hash",
                                         "tenant",
                                         "created",
                                         "expires",
                                         "streams",
                                         "requests_per_minute",
                                         "tokens_per_minute",
                                         "total_tokens"};
  for (const auto& [name, node] : table) {
    if (std::find(std::begin(kNames), std::end(kNames), name.str()) == std::end(kNames)) {
      return bad(node, fmt::format("a key has no {}", name.str()));
    }
  }
  return {};
}

Result<ApiKey> parse_key(const toml::table& table) {
  TRY(check_names(table));
  ApiKey key;
  key.name = TRY(text_of(table, "name"));
  key.id = TRY(text_of(table, "id"));
  key.salt = TRY(text_of(table, "salt"));
  const std::string hash = TRY(text_of(table, "hash"));
  const std::string tenant = TRY(text_of(table, "tenant"));
  if (!is_key_name(key.name)) return bad(table, "the name is not 1 to 64 letters, digits or .-_");
  if (!is_hex(key.id, kIdDigits)) return bad(table, "the id is not 8 hexadecimal digits");
  if (!is_hex(key.salt, kSaltDigits)) return bad(table, "the salt is not 32 hexadecimal digits");
  if (!is_hex(hash, 64)) return bad(table, "the hash is not 64 hexadecimal digits");
  if (!is_hex(tenant, 16)) return bad(table, "the tenant is not 16 hexadecimal digits");
  for (size_t i = 0; i < key.hash.size(); ++i) {
    key.hash[i] = static_cast<uint8_t>(digit(hash[2 * i]) << 4 | digit(hash[2 * i + 1]));
  }
  key.tenant = std::stoull(tenant, nullptr, 16);
  if (key.tenant == 0) return bad(table, "the tenant is 0");
  key.created = table["created"].value<int64_t>().value_or(0);
  key.expires = table["expires"].value<int64_t>().value_or(0);
  key.limits.requests_per_minute = TRY(limit_of(table, "requests_per_minute"));
  key.limits.tokens_per_minute = TRY(limit_of(table, "tokens_per_minute"));
  key.limits.streams = TRY(limit_of(table, "streams"));
  key.limits.total_tokens = TRY(limit_of(table, "total_tokens"));
  return key;
}

Result<std::vector<ApiKey>> parse_keys(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(ErrorKind::malformed, "line {}, column {}: {}", error.source().begin.line,
                error.source().begin.column, error.description());
  }
  std::vector<ApiKey> keys;
  for (const auto& [name, node] : parsed.table()) {
    if (name.str() != "key" || !node.is_array_of_tables()) {
      return bad(node, "only [[key]] tables are known");
    }
    for (const toml::node& entry : *node.as_array()) {
      if (keys.size() == kKeysMax) return bad(entry, "there are too many keys");
      keys.push_back(TRY(parse_key(*entry.as_table())));
      const ApiKey& last = keys.back();
      const auto same = [&](const ApiKey& key) {
        return key.id == last.id || key.name == last.name;
      };
      if (std::find_if(keys.begin(), keys.end() - 1, same) != keys.end() - 1) {
        return bad(entry, "another key has this name or id");
      }
    }
  }
  return keys;
}

std::string print_key(const ApiKey& key) {
  std::string text = fmt::format(
      "[[key]]\nname = \"{}\"\nid = \"{}\"\nsalt = \"{}\"\nhash = \"{}\"\ntenant = \"{:016x}\"\n"
      "created = {}\n",
      key.name, key.id, key.salt, hex(key.hash), key.tenant, key.created);
  const auto add = [&](const char* name, uint64_t value) {
    if (value != 0) text += fmt::format("{} = {}\n", name, value);
  };
  add("expires", static_cast<uint64_t>(key.expires));
  add("requests_per_minute", key.limits.requests_per_minute);
  add("tokens_per_minute", key.limits.tokens_per_minute);
  add("streams", key.limits.streams);
  add("total_tokens", key.limits.total_tokens);
  return text + "\n";
}

}  // namespace

bool is_key_name(std::string_view name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(kLetters) == name.npos;
}

NewKey make_key(std::string name, const KeyLimits& limits, int64_t created, int64_t expires) {
  NewKey made;
  made.key.name = std::move(name);
  made.key.id = random_hex(kIdDigits);
  made.key.salt = random_hex(kSaltDigits);
  made.text = fmt::format("{}{}-{}", kPrefix, made.key.id, random_hex(kSecretDigits));
  made.key.hash = hash_of(made.key.salt, made.text);
  while (made.key.tenant == 0) made.key.tenant = crypto::random_u64();
  made.key.limits = limits;
  made.key.created = created;
  made.key.expires = expires;
  return made;
}

Result<std::vector<ApiKey>> load_keys(const std::filesystem::path& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) {
    return fail(ErrorKind::unavailable, "there is no keys file {}: `sotto keys add NAME` makes one",
                path.string());
  }
  if ((found.st_mode & 077) != 0) {
    return fail(ErrorKind::denied, "{} may be used by others: chmod 600 it", path.string());
  }
  if (static_cast<uint64_t>(found.st_size) > kKeyFileBytesMax) {
    return fail(ErrorKind::exhausted, "{} is larger than {} bytes", path.string(),
                kKeyFileBytesMax);
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!file) return fail(ErrorKind::unavailable, "{} cannot be read", path.string());
  Result<std::vector<ApiKey>> keys = parse_keys(text);
  if (!keys) return within(path.string(), std::move(keys).error());
  return keys;
}

Result<void> save_keys(const std::filesystem::path& path, const std::vector<ApiKey>& keys) {
  std::string text = "# API keys of sotto: salted hashes. `sotto keys` writes this file.\n\n";
  for (const ApiKey& key : keys) text += print_key(key);
  const mode_t before = umask(0077);
  Result<OutputFile> file = OutputFile::create(path);
  umask(before);
  if (!file) return std::unexpected(file.error());
  TRY(file->append(as_bytes(text)));
  return file->commit();
}

Result<std::unique_ptr<KeyRing>> KeyRing::open(const std::filesystem::path& path) {
  std::unique_ptr<KeyRing> ring(new KeyRing(path));
  TRY(ring->reload());
  return ring;
}

Result<void> KeyRing::reload() {
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(path_, error);
  const uintmax_t bytes = std::filesystem::file_size(path_, error);
  {
    const std::lock_guard lock(mutex_);
    if (keys_ != nullptr && !error && changed == changed_ && bytes == bytes_) return {};
  }
  const std::vector<ApiKey> loaded = TRY(load_keys(path_));
  auto keys = std::make_shared<Keys>();
  for (const ApiKey& key : loaded) keys->push_back(std::make_shared<const ApiKey>(key));
  std::sort(keys->begin(), keys->end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  changed_ = changed;
  bytes_ = bytes;
  return {};
}

Result<std::shared_ptr<const ApiKey>> KeyRing::find(std::string_view authorization,
                                                    int64_t now) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) {
    return fail(ErrorKind::denied, "an API key is needed: authorization: Bearer KEY");
  }
  const std::string_view text = authorization.substr(kScheme.size());
  const auto unknown = fail(ErrorKind::denied, "this API key is not known");
  if (text.size() != kKeyBytes || !text.starts_with(kPrefix)) return unknown;
  std::shared_ptr<const Keys> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  const std::string_view id = text.substr(kPrefix.size(), kIdDigits);
  const auto at =
      std::lower_bound(keys->begin(), keys->end(), id,
                       [](const auto& key, std::string_view want) { return key->id < want; });
  static const ApiKey nobody = [] {
    ApiKey key;
    key.salt.assign(kSaltDigits, '0');
    return key;
  }();
  const bool known = at != keys->end() && (*at)->id == id;
  const ApiKey& candidate = known ? **at : nobody;
  const crypto::Sha256Digest hash = hash_of(candidate.salt, text);
  if (!crypto::equal_secrets(hash, candidate.hash) || !known) return unknown;
  if (candidate.expires != 0 && now >= candidate.expires) {
    return fail(ErrorKind::denied, "this API key has expired");
  }
  return *at;
}

}  // namespace sotto::serve
