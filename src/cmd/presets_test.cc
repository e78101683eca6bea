// Tests for the presets: their sizes are those of the published models and files.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/presets.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "cmd/type_mix.h"

namespace sotto::cmd {
namespace {

using gguf::TensorType;

gguf::Description describe(const std::string& name, const std::string& type) {
  Result<const Preset*> preset = find_preset(name);
  EXPECT_TRUE(preset) << name;
  Result<gguf::Description> description = describe_preset(**preset, type);
  EXPECT_TRUE(description) << name << ' ' << type;
  return *description;
}

TensorType type_of(const gguf::Description& description, std::string_view tensor) {
  for (const gguf::TensorInfo& info : description.tensors) {
    if (info.name == tensor) return info.type;
  }
  ADD_FAILURE() << tensor << " is not there";
  return TensorType::F32;
}

TEST(Presets, have_the_published_parameter_counts) {
  // The distilled Llamas carry 64 factors of the rotary embedding besides their parameters.
  const std::map<std::string, uint64_t> published = {
      {"deepseek-r1-distill-qwen-1.5b", 1777088000},
      {"deepseek-r1-distill-qwen-7b", 7615616512},
      {"deepseek-r1-distill-qwen-14b", 14770033664},
      {"deepseek-r1-distill-qwen-32b", 32763876352},
      {"deepseek-r1-distill-llama-8b", 8030261248 + 64},
      {"deepseek-r1-distill-llama-70b", 70553706496 + 64},
      {"llama-2-7b", 6738415616},
      {"gpt2", 124439808},
      {"gpt2-medium", 354823168},
      {"gpt2-large", 774030080},
      {"gpt2-xl", 1557611200},
      {"bloom-560m", 559214592},
  };
  EXPECT_EQ(presets().size(), published.size());
  for (const auto& [name, count] : published) {
    EXPECT_EQ(parameter_count(describe(name, "F16")), count) << name;
  }
}

TEST(Presets, have_the_published_file_sizes) {
  const std::tuple<const char*, const char*, double> published_gib[] = {
      {"deepseek-r1-distill-qwen-1.5b", "Q4_K_M", 1.04},
      {"deepseek-r1-distill-qwen-7b", "Q4_K_M", 4.36},
      {"deepseek-r1-distill-qwen-14b", "Q4_K_M", 8.37},
      {"deepseek-r1-distill-qwen-32b", "Q4_K_M", 18.48},
      {"deepseek-r1-distill-llama-8b", "Q4_K_M", 4.58},
      {"deepseek-r1-distill-llama-8b", "Q8_0", 7.95},
      {"deepseek-r1-distill-llama-70b", "Q4_K_M", 39.59},
      {"llama-2-7b", "Q4_K_M", 3.80},
      {"llama-2-7b", "Q4_0", 3.56},
  };
  for (const auto& [name, type, gib] : published_gib) {
    const double bytes = static_cast<double>(tensor_bytes(describe(name, type)));
    EXPECT_NEAR(bytes / (1 << 30), gib, 0.0051) << name << ' ' << type;
  }
}

TEST(Presets, spread_the_better_formats_over_the_layers_as_is_customary) {
  const gguf::Description model = describe("deepseek-r1-distill-qwen-1.5b", "Q4_K_M");
  // 28 layers: the first 3, the last 4, and from 5 on every third.
  for (uint32_t layer : {0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 24, 25, 26, 27}) {
    EXPECT_EQ(type_of(model, fmt::format("blk.{}.attn_v.weight", layer)), TensorType::Q6_K)
        << layer;
    EXPECT_EQ(type_of(model, fmt::format("blk.{}.ffn_down.weight", layer)), TensorType::Q6_K);
  }
  for (uint32_t layer : {3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22}) {
    EXPECT_EQ(type_of(model, fmt::format("blk.{}.attn_v.weight", layer)), TensorType::Q4_K)
        << layer;
  }
  EXPECT_EQ(type_of(model, "output.weight"), TensorType::Q6_K);
  EXPECT_EQ(type_of(model, "token_embd.weight"), TensorType::Q4_K);
  EXPECT_EQ(type_of(model, "blk.0.attn_norm.weight"), TensorType::F32);
  EXPECT_EQ(type_of(model, "blk.0.attn_q.bias"), TensorType::F32);
}

TEST(Presets, give_a_tied_embedding_the_format_of_an_output) {
  EXPECT_EQ(type_of(describe("gpt2", "Q4_K_M"), "token_embd.weight"), TensorType::Q6_K);
}

TEST(Presets, use_small_blocks_where_rows_are_no_multiple_of_256) {
  const gguf::Description model = describe("gpt2-xl", "Q4_K_S");
  EXPECT_EQ(type_of(model, "blk.20.attn_qkv.weight"), TensorType::Q5_0);  // rows of 1600
  EXPECT_EQ(type_of(model, "blk.20.ffn_down.weight"), TensorType::Q4_K);  // rows of 6400
  EXPECT_EQ(type_of(model, "token_embd.weight"), TensorType::Q8_0);
}

TEST(Presets, lay_tensors_out_without_overlap) {
  const gguf::Description model = describe("bloom-560m", "Q5_K_M");
  uint64_t end = 0;
  for (const gguf::TensorInfo& tensor : model.tensors) {
    EXPECT_GE(tensor.offset, end) << tensor.name;
    EXPECT_EQ(tensor.offset % model.alignment, 0u) << tensor.name;
    end = tensor.offset + tensor.bytes;
  }
  ASSERT_EQ(model.files.size(), 1u);
  EXPECT_LE(end, model.files[0].bytes);
}

TEST(Presets, every_mix_describes_every_preset) {
  for (const Preset& preset : presets()) {
    for (const std::string& mix : TypeMix::names()) {
      EXPECT_TRUE(describe_preset(preset, mix)) << preset.name << ' ' << mix;
    }
  }
}

TEST(Presets, unknown_names_are_refused_with_the_list) {
  const auto preset = find_preset("gpt5");
  ASSERT_FALSE(preset);
  EXPECT_EQ(preset.error().kind, ErrorKind::unsupported);
  EXPECT_NE(preset.error().message.find("gpt2-large"), std::string::npos);
  const auto mix = describe_preset(presets()[0], "Q4_K_XXL");
  ASSERT_FALSE(mix);
  EXPECT_NE(mix.error().message.find("Q4_K_M"), std::string::npos);
}

}  // namespace
}  // namespace sotto::cmd
