// Models whose metadata and tensors do not fit together are refused, by name.
// SPDX-License-Identifier: Apache-2.0
#include "model/shape.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "model/model.h"

namespace sotto::model {
namespace {

gguf::Description demo() {
  auto source = gguf::Source::open(std::filesystem::path(SOTTO_SOURCE_DIR) / "models/demo.gguf");
  EXPECT_TRUE(source) << source.error().message;
  return source->description();
}

// The demo's description with one metadata value replaced, or left out.
gguf::Description with(std::string_view key, std::optional<gguf::Value> value) {
  gguf::Description description = demo();
  gguf::Metadata changed;
  bool found = false;
  for (const gguf::Metadata::Entry& entry : description.metadata.entries()) {
    found = found || entry.key == key;
    if (entry.key != key) {
      EXPECT_TRUE(changed.add(entry.key, entry.value));
    } else if (value) {
      EXPECT_TRUE(changed.add(entry.key, *value));
    }
  }
  if (!found && value) {
    EXPECT_TRUE(changed.add(std::string(key), *value));
  }
  description.metadata = std::move(changed);
  return description;
}

gguf::Description with_tensor(std::string_view name,
                              const std::function<void(gguf::TensorInfo&)>& change) {
  gguf::Description description = demo();
  for (gguf::TensorInfo& tensor : description.tensors) {
    if (tensor.name == name) change(tensor);
  }
  return description;
}

Result<void> try_model(const gguf::Description& description) {
  ThreadPool pool(1);
  TRY(Model::synthetic(description, {.batch_tokens_max = 8, .logit_rows_max = 1}, pool));
  return {};
}

TEST(ShapeTest, the_demo_model_is_accepted) {
  const Result<void> result = try_model(demo());
  EXPECT_TRUE(result) << result.error().message;
}

TEST(ShapeTest, metadata_that_cannot_be_is_refused) {
  struct Mutation {
    const char* key;
    std::optional<gguf::Value> value;
    ErrorKind kind;
  };
  const Mutation mutations[] = {
      {"general.architecture", std::string("mamba"), ErrorKind::unsupported},
      {"general.architecture", std::nullopt, ErrorKind::malformed},
      {"general.architecture", uint32_t{3}, ErrorKind::malformed},
      {"qwen2.block_count", uint32_t{0}, ErrorKind::malformed},
      {"qwen2.block_count", uint32_t{4'000'000'000}, ErrorKind::malformed},
      {"qwen2.block_count", uint32_t{100}, ErrorKind::malformed},
      {"qwen2.block_count", int32_t{-1}, ErrorKind::malformed},
      {"qwen2.block_count", std::nullopt, ErrorKind::malformed},
      {"qwen2.embedding_length", uint32_t{128}, ErrorKind::malformed},
      {"qwen2.embedding_length", uint64_t{1} << 40, ErrorKind::malformed},
      {"qwen2.feed_forward_length", uint32_t{64}, ErrorKind::malformed},
      {"qwen2.attention.head_count", uint32_t{0}, ErrorKind::malformed},
      {"qwen2.attention.head_count", uint32_t{3}, ErrorKind::malformed},
      {"qwen2.attention.head_count_kv", uint32_t{3}, ErrorKind::malformed},
      {"qwen2.attention.key_length", uint32_t{1} << 20, ErrorKind::malformed},
      {"qwen2.attention.layer_norm_rms_epsilon", -1.0f, ErrorKind::malformed},
      {"qwen2.context_length", uint32_t{0}, ErrorKind::malformed},
      {"qwen2.rope.freq_base", 0.0f, ErrorKind::malformed},
      {"qwen2.rope.dimension_count", uint32_t{7}, ErrorKind::malformed},
      {"qwen2.rope.scaling.type", std::string("longrope"), ErrorKind::unsupported},
      {"qwen2.expert_count", uint32_t{8}, ErrorKind::unsupported},
  };
  for (const Mutation& mutation : mutations) {
    const Result<void> result = try_model(with(mutation.key, mutation.value));
    ASSERT_FALSE(result) << mutation.key;
    EXPECT_EQ(mutation.kind, result.error().kind) << mutation.key << ": " << result.error().message;
  }
}

TEST(ShapeTest, tensors_that_do_not_fit_the_metadata_are_refused_by_name) {
  struct Mutation {
    const char* tensor;
    std::function<void(gguf::TensorInfo&)> change;
    ErrorKind kind;
    const char* named;
  };
  const Mutation mutations[] = {
      {"blk.0.attn_q.weight", [](gguf::TensorInfo& t) { t.name = "blk.0.attn_x.weight"; },
       ErrorKind::malformed, "blk.0.attn_q.weight"},
      {"blk.0.attn_q.bias", [](gguf::TensorInfo& t) { t.name = "blk.99.attn_q.bias"; },
       ErrorKind::malformed, "blk.0.attn_q.bias"},
      {"blk.0.attn_q.weight", [](gguf::TensorInfo& t) { t.shape[1] /= 2; }, ErrorKind::malformed,
       "blk.0.attn_q.weight"},
      {"blk.1.ffn_down.weight", [](gguf::TensorInfo& t) { t.shape[0] *= 2; }, ErrorKind::malformed,
       "blk.1.ffn_down.weight"},
      {"output_norm.weight", [](gguf::TensorInfo& t) { t.shape = {1}; }, ErrorKind::malformed,
       "output_norm.weight"},
      {"token_embd.weight", [](gguf::TensorInfo& t) { t.name = "token_embedding"; },
       ErrorKind::malformed, "token_embd.weight"},
  };
  for (const Mutation& mutation : mutations) {
    const Result<void> result = try_model(with_tensor(mutation.tensor, mutation.change));
    ASSERT_FALSE(result) << mutation.tensor;
    EXPECT_EQ(mutation.kind, result.error().kind) << result.error().message;
    EXPECT_NE(std::string::npos, result.error().message.find(mutation.named))
        << result.error().message;
  }
}

TEST(ShapeTest, a_tensor_that_nobody_asked_for_is_refused) {
  gguf::Description description = demo();
  gguf::TensorInfo extra = description.tensors.back();
  extra.name = "blk.0.attn_q.lora";
  description.tensors.push_back(extra);
  const Result<void> result = try_model(description);
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorKind::unsupported, result.error().kind);
  EXPECT_NE(std::string::npos, result.error().message.find("blk.0.attn_q.lora"));
}

}  // namespace
}  // namespace sotto::model
