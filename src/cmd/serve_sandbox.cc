// Paths for Landlock.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/serve_sandbox.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "attest/collateral/cache.h"
#include "base/memory.h"
#include "base/text_encoding.h"
#include "cmd/model_source.h"
#include "serve/sandbox.h"

namespace sotto::cmd {
namespace {

namespace fs = std::filesystem;

// The leak checker has to start processes and open what it likes.
#ifdef SOTTO_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Where the file is, and where it really is: a model may be a link into a cache of downloads.
void add_folders_of(const std::string& path, std::vector<fs::path>& folders) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  folders.push_back(whole.parent_path());
  const fs::path real = fs::canonical(whole, error);
  if (!error) folders.push_back(real.parent_path());
}

serve::FileRules rules_of(const SandboxNeeds& needs) {
  serve::FileRules rules;
  // What the machine says of itself, and what the C library reads by itself.
  rules.read = {"/proc",     "/sys/devices", "/sys/fs/cgroup",   "/sys/kernel/mm",
                "/dev/null", "/dev/urandom", "/etc/ld.so.cache", "/etc/localtime",
                "/usr/lib",  "/lib",         "/lib64",           "/usr/share/zoneinfo"};
  std::error_code error;
  rules.read.push_back(fs::canonical("/proc/self/exe", error));  // its digest is stated
  if (const fs::path store = store_folder(); !store.empty()) rules.read.push_back(store);
  for (const std::string& model : needs.models) add_folders_of(model, rules.read);
  for (const std::string& file : needs.read) add_folders_of(file, rules.read);
  for (const std::string& file : needs.write) add_folders_of(file, rules.write);
  rules.write.emplace_back("/dev/null");
  if (!needs.real_tee) return rules;
  for (const char* path : {"/etc/ssl", "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
                           "/etc/nsswitch.conf", "/etc/gai.conf", "/run/systemd/resolve",
                           "/usr/share/ca-certificates", "/sys", "/run/log/systemd"}) {
    rules.read.emplace_back(path);
  }
  for (const char* path : {"/dev", "/sys/kernel/config/tsm", "/sys/devices/virtual/misc"}) {
    rules.write.emplace_back(path);
  }
  if (const fs::path cache = attest::collateral::default_cache_folder(); !cache.empty()) {
    std::error_code ignored;
    fs::create_directories(cache, ignored);
    rules.write.push_back(cache);
  }
  return rules;
}

void say(const Result<void>& done) {
  if (done) return;
  fmt::print(stderr, "sotto: a part of the sandbox is missing: {}\n", done.error().message);
}

}  // namespace

void restrict_server_files(const SandboxNeeds& needs) {
  if (!kSanitized) say(serve::restrict_files(rules_of(needs)));
}

void restrict_server_calls(const SandboxNeeds& needs) {
  if (!kSanitized) say(serve::restrict_calls(needs.real_tee));
}

void keep_out_of_swap() {
  if (kSanitized) return;
  const Result<void> locked = lock_memory();
  if (locked || !swap_is_on()) return;
  fmt::print(stderr, "sotto: there is swap, and prompts may come into it: {}\n",
             locked.error().message);
}

std::string call_filter_line(const SandboxNeeds& needs) {
  return fmt::format("# call-filter sha256 {}\n",
                     hex_of(serve::call_filter_sha256(needs.real_tee)));
}

}  // namespace sotto::cmd
