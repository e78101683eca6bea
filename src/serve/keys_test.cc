// Keys, their file, their limits, and what they used.
// SPDX-License-Identifier: Apache-2.0
#include "serve/keys.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "serve/key_limiter.h"
#include "serve/usage.h"

namespace sotto::serve {
namespace {

using namespace std::chrono_literals;

struct Folder {
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("sotto_keys_" + std::to_string(getpid()));
  std::filesystem::path file() const { return path / "keys.toml"; }
};

TEST(Keys, come_back_from_their_file_and_are_found_by_their_text_alone) {
  const Folder folder;
  KeyLimits limits;
  limits.streams = 3;
  limits.total_tokens = 5;
  const NewKey alice = make_key("alice", limits, 100, 0);
  const NewKey bob = make_key("bob", {}, 100, 200);
  ASSERT_TRUE(save_keys(folder.file(), {alice.key, bob.key}).has_value());
  const auto ring = KeyRing::open(folder.file());
  ASSERT_TRUE(ring.has_value()) << ring.error().message;
  const auto found = (*ring)->find("Bearer " + alice.text, 150);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ((*found)->name, "alice");
  EXPECT_EQ((*found)->tenant, alice.key.tenant);
  EXPECT_EQ((*found)->limits.streams, 3u);
  EXPECT_EQ((*found)->limits.total_tokens, 5u);
  EXPECT_TRUE((*ring)->find("Bearer " + bob.text, 199).has_value());
  EXPECT_FALSE((*ring)->find("Bearer " + bob.text, 200).has_value());
  std::string changed = alice.text;
  for (size_t at = 0; at < changed.size(); ++at) {
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_FALSE((*ring)->find("Bearer " + changed, 150).has_value()) << at;
    changed = alice.text;
  }
  for (const std::string& bad :
       {std::string(), alice.text, std::string("Bearer "), "bearer " + alice.text}) {
    EXPECT_EQ((*ring)->find(bad, 150).error().kind, ErrorKind::denied);
  }
}

TEST(Keys, stay_as_they_were_when_the_new_file_has_a_mistake) {
  const Folder folder;
  const NewKey alice = make_key("alice", {}, 1, 0);
  ASSERT_TRUE(save_keys(folder.file(), {alice.key}).has_value());
  const auto ring = KeyRing::open(folder.file());
  ASSERT_TRUE(ring.has_value());
  std::ofstream(folder.file()) << "[[key]]\nname = \"alice\"\n";
  EXPECT_FALSE((*ring)->reload().has_value());
  EXPECT_TRUE((*ring)->find("Bearer " + alice.text, 2).has_value());
  ASSERT_TRUE(save_keys(folder.file(), {}).has_value());
  EXPECT_TRUE((*ring)->reload().has_value());
  EXPECT_FALSE((*ring)->find("Bearer " + alice.text, 2).has_value());
}

TEST(Keys, are_refused_from_a_file_that_is_not_right) {
  const Folder folder;
  const NewKey key = make_key("a", {}, 1, 0);
  ASSERT_TRUE(save_keys(folder.file(), {key.key}).has_value());
  std::stringstream good;
  good << std::ifstream(folder.file()).rdbuf();
  const auto refused = [&](const std::string& text) {
    std::ofstream(folder.file()) << text;
    return !load_keys(folder.file()).has_value();
  };
  EXPECT_FALSE(refused(good.str()));
  EXPECT_TRUE(refused(good.str() + good.str()));
  EXPECT_TRUE(refused(good.str() + "[other]\n"));
  EXPECT_TRUE(refused(good.str() + "colour = 1\n"));
  EXPECT_TRUE(refused(good.str() + "streams = 0\n"));
  EXPECT_TRUE(refused(good.str() + "streams = \"x\"\n"));
  EXPECT_TRUE(refused("key = 1\n"));
  EXPECT_TRUE(refused("[[key]\n"));
  EXPECT_FALSE(refused(good.str()));
  std::filesystem::permissions(folder.file(), std::filesystem::perms(0640));
  EXPECT_EQ(load_keys(folder.file()).error().kind, ErrorKind::denied);
}

TEST(KeyLimiter, holds_requests_tokens_and_streams_to_their_limits) {
  KeyLimiter limiter;
  const auto start = KeyLimiter::Clock::now();
  ApiKey key;
  key.name = "a";
  key.limits.requests_per_minute = 2;
  EXPECT_TRUE(limiter.admit(key, start).has_value());
  EXPECT_TRUE(limiter.admit(key, start).has_value());
  const auto refused = limiter.admit(key, start);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().retry_after_seconds, 30u);
  EXPECT_TRUE(limiter.admit(key, start + 31s).has_value());
  EXPECT_FALSE(limiter.admit(key, start + 32s).has_value());

  ApiKey talker;
  talker.name = "b";
  talker.limits.tokens_per_minute = 60;
  EXPECT_TRUE(limiter.admit(talker, start).has_value());
  limiter.spend(talker, 90, start);
  EXPECT_FALSE(limiter.admit(talker, start + 29s).has_value());
  EXPECT_TRUE(limiter.admit(talker, start + 32s).has_value());

  ApiKey many;
  many.name = "c";
  many.limits.streams = 1;
  {
    const auto lease = limiter.admit(many, start);
    EXPECT_TRUE(lease.has_value());
    EXPECT_FALSE(limiter.admit(many, start).has_value());
  }
  EXPECT_TRUE(limiter.admit(many, start).has_value());
}

UsageRow row(const char* key, const char* day, uint64_t tokens) {
  UsageRow row;
  row.key = key;
  row.day = day;
  row.requests = 1;
  row.prompt_tokens = tokens;
  row.completion_tokens = 1;
  return row;
}

TEST(Usage, survives_a_kill) {
  const Folder folder;
  const auto path = folder.path / "usage";
  const pid_t child = fork();
  if (child == 0) {
    const auto usage = Usage::open(path);
    for (int i = 0; i < 10; ++i)
      (void)(*usage)->add(row("a", i < 4 ? "2026-01-01" : "2026-01-02", 2));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto usage = Usage::open(path);
  ASSERT_TRUE(usage.has_value()) << usage.error().message;
  EXPECT_EQ(*(*usage)->total_tokens("a"), 30u);
  EXPECT_EQ(*(*usage)->total_tokens("b"), 0u);
  const auto rows = (*usage)->rows();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].requests, 4u);
  EXPECT_EQ((*rows)[1].prompt_tokens, 12u);
}

TEST(Usage, is_an_error_where_the_file_is_something_else) {
  const Folder folder;
  std::ofstream(folder.path / "usage") << std::string(4096, 'x');
  EXPECT_FALSE(Usage::open(folder.path / "usage").has_value());
  EXPECT_FALSE(Usage::open(folder.path / "nowhere" / "usage").has_value());
}

}  // namespace
}  // namespace sotto::serve
