// `sotto keys`: makes, lists and revokes API keys.
// SPDX-License-Identifier: Apache-2.0
#include "serve/keys.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/commands.h"
#include "cmd/model_source.h"
#include "serve/usage.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

struct KeysOptions {
  std::string file;
  std::string name;
  std::string expires;
  serve::KeyLimits limits;
  bool json = false;
};

Result<std::filesystem::path> keys_path(const KeysOptions& options) {
  if (!options.file.empty()) return std::filesystem::path(options.file);
  const std::filesystem::path folder = store_folder();
  if (folder.empty())
    return fail(ErrorKind::unavailable, "--keys FILE is needed: there is no home");
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return folder / "keys.toml";
}

// "2027-01-31" (its beginning, UTC) or "90d" from now.
Result<int64_t> parse_expiry(const std::string& text, int64_t now) {
  if (text.empty()) return 0;
  std::tm day{};
  const char* end = strptime(text.c_str(), "%Y-%m-%d", &day);
  if (end != nullptr && *end == '\0') {
    const int64_t time = timegm(&day);
    if (time > now) return time;
    return fail(ErrorKind::malformed, "--expires {} is in the past", text);
  }
  constexpr int64_t kDaysMax = 36500;
  int64_t days = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error == std::errc() && std::string_view(stop) == "d" && days > 0 && days <= kDaysMax) {
    return now + days * 86400;
  }
  return fail(ErrorKind::malformed, "--expires {} is neither a day (2027-01-31) nor days (90d)",
              text);
}

// None where the file is not there yet.
Result<std::vector<serve::ApiKey>> load_or_none(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::vector<serve::ApiKey>();
  return serve::load_keys(path);
}

Result<int> add(const KeysOptions& options) {
  const std::filesystem::path path = TRY(keys_path(options));
  std::vector<serve::ApiKey> keys = TRY(load_or_none(path));
  if (!serve::is_key_name(options.name)) {
    return fail(ErrorKind::malformed, "a name is 1 to 64 letters, digits or . _ -");
  }
  const auto same = [&](const serve::ApiKey& key) { return key.name == options.name; };
  if (std::any_of(keys.begin(), keys.end(), same)) {
    return fail(ErrorKind::malformed, "there is a key named {} already: revoke it first",
                options.name);
  }
  const int64_t now = std::time(nullptr);
  serve::NewKey made =
      serve::make_key(options.name, options.limits, now, TRY(parse_expiry(options.expires, now)));
  keys.push_back(made.key);
  TRY(serve::save_keys(path, keys));
  if (options.json) {
    json::object out;
    out["name"] = options.name;
    out["key"] = made.text;
    fmt::print("{}\n", json::serialize(out));
  } else {
    fmt::print("{}\n", made.text);
    fmt::print(stderr, "This is shown once; {} keeps only its hash.\n", path.string());
  }
  return kExitOk;
}

std::string limits_text(const serve::KeyLimits& limits) {
  std::string text;
  const auto add = [&](uint64_t value, const char* what) {
    if (value != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", value, what);
  };
  add(limits.requests_per_minute, "requests/min");
  add(limits.tokens_per_minute, "tokens/min");
  add(limits.streams, "at once");
  add(limits.total_tokens, "tokens in all");
  return text.empty() ? "no limits" : text;
}

struct Used {
  uint64_t requests = 0, prompt_tokens = 0, completion_tokens = 0;
};

Result<Used> used_by(const std::string& name, const std::filesystem::path& keys) {
  Used used;
  const std::filesystem::path path = keys.string() + ".usage";
  if (!std::filesystem::exists(path)) return used;
  const std::unique_ptr<serve::Usage> usage = TRY(serve::Usage::open(path));
  for (const serve::UsageRow& row : TRY(usage->rows())) {
    if (row.key != name) continue;
    used.requests += row.requests;
    used.prompt_tokens += row.prompt_tokens;
    used.completion_tokens += row.completion_tokens;
  }
  return used;
}

Result<int> list(const KeysOptions& options) {
  const std::filesystem::path path = TRY(keys_path(options));
  for (const serve::ApiKey& key : TRY(serve::load_keys(path))) {
    const Used used = TRY(used_by(key.name, path));
    if (options.json) {
      json::object out;
      out["name"] = key.name;
      out["id"] = key.id;
      out["created"] = key.created;
      out["expires"] = key.expires;
      out["requests"] = used.requests;
      out["prompt_tokens"] = used.prompt_tokens;
      out["completion_tokens"] = used.completion_tokens;
      fmt::print("{}\n", json::serialize(out));
      continue;
    }
    const std::string expires = key.expires == 0
                                    ? "never expires"
                                    : fmt::format("until {:%F %R} UTC", fmt::gmtime(key.expires));
    fmt::print("{:<20} sk-sotto-{}-…  {}  {}  used: {} requests, {} + {} tokens\n", key.name,
               key.id, expires, limits_text(key.limits), used.requests, used.prompt_tokens,
               used.completion_tokens);
  }
  return kExitOk;
}

Result<int> revoke(const KeysOptions& options) {
  const std::filesystem::path path = TRY(keys_path(options));
  std::vector<serve::ApiKey> keys = TRY(serve::load_keys(path));
  const auto gone =
      std::erase_if(keys, [&](const serve::ApiKey& key) { return key.name == options.name; });
  if (gone == 0) return fail(ErrorKind::unavailable, "there is no key named {}", options.name);
  TRY(serve::save_keys(path, keys));
  fmt::print(stderr, "revoked; a running server notices within seconds\n");
  return kExitOk;
}

}  // namespace

Run add_keys(CLI::App& app) {
  auto options = std::make_shared<KeysOptions>();
  app.require_subcommand(1);
  const auto common = [&](const char* name, const char* what) {
    CLI::App* command = app.add_subcommand(name, what);
    command->add_option("--keys", options->file, "the file; default: keys.toml in the local store");
    return command;
  };
  CLI::App* adding = common("add", "make a key and show it, once");
  adding->add_option("NAME", options->name, "whose it is: for the log and for revoking it")
      ->required();
  adding->add_option("--requests-per-minute", options->limits.requests_per_minute)
      ->check(CLI::PositiveNumber);
  adding
      ->add_option("--tokens-per-minute", options->limits.tokens_per_minute,
                   "of prompts and answers")
      ->check(CLI::PositiveNumber);
  adding->add_option("--streams", options->limits.streams, "requests at once")
      ->check(CLI::PositiveNumber);
  adding->add_option("--total-tokens", options->limits.total_tokens, "ever")
      ->check(CLI::PositiveNumber);
  adding->add_option("--expires", options->expires, "a day (2027-01-31) or days from now (90d)");
  adding->add_flag("--json", options->json, "write one JSON object");
  CLI::App* listing = common("list", "show names, limits and usage");
  listing->add_flag("--json", options->json, "write a JSON object per line");
  CLI::App* revoking = common("revoke", "take a key back");
  revoking->add_option("NAME", options->name)->required();
  app.footer("Example: sotto keys add alice --tokens-per-minute 20000 --expires 90d");
  return [options, adding, listing]() -> Result<int> {
    if (adding->parsed()) return add(*options);
    return listing->parsed() ? list(*options) : revoke(*options);
  };
}

}  // namespace sotto::cmd
