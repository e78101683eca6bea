// A peer's command line and the numbers that it prints.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/bench_peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::cmd {
namespace {

using testing::HasSubstr;

constexpr BenchLoad kLoad{.prompt = 512, .generate = 64, .parallel = 4};

TEST(ExpandPeerCommand, fills_in_what_it_knows) {
  const PeerSettings settings{"/models/it's {prompt}.gguf", kLoad, 2};
  EXPECT_EQ(expand_peer_command("peer {model} -p {prompt} -n {generate} -s {parallel} -t {threads} "
                                "--kv {kv} {other} {prompt}",
                                settings),
            "peer '/models/it'\\''s {prompt}.gguf' -p 512 -n 64 -s 4 -t 2 --kv f16 {other} 512");
}

TEST(ParsePeerOutput, takes_the_last_line_that_has_the_numbers) {
  const auto rates = parse_peer_output(
      "loading\n{\"prompt_tokens_per_second\":1,\"generate_tokens_per_second\":2}\n"
      "{\"prompt_tokens_per_second\":163.5,\"generate_tokens_per_second\":17,\"x\":[]}\n"
      "{\"other\":1}\nbye\n",
      kLoad);
  ASSERT_TRUE(rates) << rates.error().message;
  EXPECT_EQ(rates->prompt, 163.5);
  EXPECT_EQ(rates->generate, 17);
}

TEST(ParsePeerOutput, needs_only_the_phases_of_the_load) {
  const std::string prompt_only = "{\"prompt_tokens_per_second\":5}";
  EXPECT_TRUE(parse_peer_output(prompt_only, {.prompt = 8, .generate = 0}));
  const auto missing = parse_peer_output(prompt_only, kLoad);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("generate_tokens_per_second is missing"));
}

TEST(ParsePeerOutput, refuses_what_is_no_speed) {
  for (const char* output :
       {"", "hello\n", "{\"prompt_tokens_per_second\":", "[1,2]\n", "{\"tokens\":5}\n",
        "{\"prompt_tokens_per_second\":0,\"generate_tokens_per_second\":1}",
        "{\"prompt_tokens_per_second\":-3,\"generate_tokens_per_second\":1}",
        "{\"prompt_tokens_per_second\":\"fast\",\"generate_tokens_per_second\":1}"}) {
    const auto rates = parse_peer_output(output, kLoad);
    ASSERT_FALSE(rates) << output;
    EXPECT_EQ(rates.error().kind, ErrorKind::malformed) << output;
  }
}

TEST(SpreadOf, is_least_median_and_greatest) {
  const Spread spread = spread_of({3, 1, 2});
  EXPECT_EQ(spread.min, 1);
  EXPECT_EQ(spread.median, 2);
  EXPECT_EQ(spread.max, 3);
  EXPECT_EQ(spread_of({}).max, 0);
  EXPECT_EQ(spread_of({1, 2}).median, 1.5);
}

}  // namespace
}  // namespace sotto::cmd
