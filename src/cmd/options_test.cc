// Tests for the options that several subcommands share.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/options.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace sotto::cmd {
namespace {

// The flags as a command line gives them; nothing when it is refused.
std::optional<SamplingFlags> parse(const std::vector<std::string>& arguments) {
  CLI::App app;
  SamplingFlags flags;
  std::string rest;
  add_sampling_options(app, flags);
  app.add_option("REST", rest);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError&) {
    return std::nullopt;
  }
  return flags;
}

TEST(SamplingOptions, flag_beats_file_beats_default) {
  gguf::Metadata metadata;
  ASSERT_TRUE(metadata.add("general.sampling.temp", 0.25f));
  ASSERT_TRUE(metadata.add("general.sampling.top_k", int32_t{40}));
  const auto flags = parse({"--temperature", "1.5"});
  ASSERT_TRUE(flags);
  const Result<engine::SamplingParams> params = sampling_params(*flags, metadata);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->temperature, 1.5f);
  EXPECT_EQ(params->top_k, 40u);
  EXPECT_EQ(params->top_p, 0.95f);

  const Result<engine::SamplingParams> recommended = sampling_params({}, metadata);
  ASSERT_TRUE(recommended);
  EXPECT_EQ(recommended->temperature, 0.25f);
}

TEST(SamplingOptions, wrong_type_in_the_file_is_an_error) {
  gguf::Metadata metadata;
  ASSERT_TRUE(metadata.add("general.sampling.temp", std::string("hot")));
  const auto params = sampling_params({}, metadata);
  ASSERT_FALSE(params);
  EXPECT_NE(params.error().message.find("general.sampling.temp"), std::string::npos);
}

TEST(SamplingOptions, out_of_range_is_an_error) {
  const auto flags = parse({"--top-p", "1.5"});
  ASSERT_TRUE(flags);
  EXPECT_FALSE(sampling_params(*flags, {}));
}

TEST(SamplingOptions, seed_is_drawn_anew_unless_given) {
  uint64_t distinct = 0;
  const uint64_t first = sampling_params({}, {})->seed;
  for (int draw = 0; draw < 8; ++draw) distinct += sampling_params({}, {})->seed != first;
  EXPECT_GT(distinct, 0u);
  const auto flags = parse({"--seed", "18446744073709551615"});
  ASSERT_TRUE(flags);
  EXPECT_EQ(sampling_params(*flags, {})->seed, 18446744073709551615u);
}

TEST(SamplingOptions, logit_bias_is_repeatable_and_leaves_positionals_alone) {
  const auto flags = parse({"--logit-bias", "42=-5.5", "--logit-bias", "7=1e2", "rest"});
  ASSERT_TRUE(flags);
  const auto params = sampling_params(*flags, {});
  ASSERT_TRUE(params);
  ASSERT_EQ(params->logit_bias.size(), 2u);
  EXPECT_EQ(params->logit_bias[0], (std::pair<TokenId, float>(42, -5.5f)));
  EXPECT_EQ(params->logit_bias[1], (std::pair<TokenId, float>(7, 100.0f)));
}

TEST(SamplingOptions, malformed_logit_bias_is_wrong_usage) {
  for (const char* text : {"", "42", "42=", "=1", "a=1", "42=x", "42=1x", "99999999999=1"}) {
    EXPECT_FALSE(parse({"--logit-bias", text})) << text;
  }
}

}  // namespace
}  // namespace sotto::cmd
