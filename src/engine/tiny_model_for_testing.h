// A tiny model with random weights, made in memory, for tests of what runs models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/philox.h"
#include "gguf/writer.h"
#include "model/model.h"

namespace sotto::engine {

// A llama of two layers whose logits are spread enough for different prompts to give
// different answers.
class TinyModelForTesting {
 public:
  static constexpr uint32_t kVocabulary = 97;
  static constexpr uint32_t kContext = 1024;
  // A prompt with this token makes the model's logits not a number.
  static constexpr TokenId kPoison = kVocabulary - 1;

  explicit TinyModelForTesting(uint32_t threads = 1, const model::ForwardLimits& limits = {})
      : pool_(threads), file_(make_file()) {
    auto source = gguf::Source::from_memory(file_);
    CHECK(source.has_value());
    auto loaded = model::Model::load(*source, limits, pool_, {});
    CHECK(loaded.has_value());
    model_ = std::move(*loaded);
  }

  model::Model& model() { return *model_; }

 private:
  static constexpr uint32_t kWidth = 64;
  static constexpr uint32_t kFfnWidth = 96;
  static constexpr uint32_t kHeads = 4;
  static constexpr uint32_t kKvHeads = 2;
  static constexpr uint32_t kHeadWidth = kWidth / kHeads;
  static constexpr uint32_t kLayers = 2;

  class File {
   public:
    template <class T>
    void put(std::string key, T value) {
      CHECK(metadata_.add(std::move(key), gguf::Value(std::move(value))).has_value());
    }
    void matrix(const std::string& name, uint32_t rows, uint32_t columns) {
      add(name, {columns, rows}, 0, 16.0f / static_cast<float>(columns));
    }
    void vector(const std::string& name, uint32_t count) { add(name, {count}, 1, 0.1f); }

    std::vector<uint8_t> bytes() const {
      auto file = gguf::serialize(metadata_, tensors_);
      CHECK(file.has_value());
      return std::move(*file);
    }

   private:
    void add(const std::string& name, std::vector<uint64_t> shape, float middle, float spread) {
      uint64_t count = 1;
      for (const uint64_t size : shape) count *= size;
      std::vector<float>& values = values_.emplace_back(count);
      for (uint64_t i = 0; i < count; ++i) {
        const double unit = uniform(tensors_.size() + 1, i);
        values[i] = middle + static_cast<float>(2 * unit - 1) * spread;
      }
      if (name == "token_embd.weight") {
        std::fill(values.end() - kWidth, values.end(), std::numeric_limits<float>::quiet_NaN());
      }
      tensors_.push_back({name, gguf::TensorType::F32, std::move(shape),
                          Bytes(reinterpret_cast<const uint8_t*>(values.data()), 4 * count)});
    }

    gguf::Metadata metadata_;
    std::list<std::vector<float>> values_;  // stay where they are
    std::vector<gguf::TensorData> tensors_;
  };

  static std::vector<uint8_t> make_file() {
    File file;
    file.put("general.architecture", std::string("llama"));
    file.put("llama.block_count", kLayers);
    file.put("llama.context_length", kContext);
    file.put("llama.embedding_length", kWidth);
    file.put("llama.feed_forward_length", kFfnWidth);
    file.put("llama.attention.head_count", kHeads);
    file.put("llama.attention.head_count_kv", kKvHeads);
    file.put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    file.put("llama.rope.freq_base", 10000.0f);
    file.matrix("token_embd.weight", kVocabulary, kWidth);
    for (uint32_t i = 0; i < kLayers; ++i) {
      const std::string layer = "blk." + std::to_string(i) + ".";
      file.vector(layer + "attn_norm.weight", kWidth);
      file.matrix(layer + "attn_q.weight", kWidth, kWidth);
      file.matrix(layer + "attn_k.weight", kKvHeads * kHeadWidth, kWidth);
      file.matrix(layer + "attn_v.weight", kKvHeads * kHeadWidth, kWidth);
      file.matrix(layer + "attn_output.weight", kWidth, kWidth);
      file.vector(layer + "ffn_norm.weight", kWidth);
      file.matrix(layer + "ffn_gate.weight", kFfnWidth, kWidth);
      file.matrix(layer + "ffn_up.weight", kFfnWidth, kWidth);
      file.matrix(layer + "ffn_down.weight", kWidth, kFfnWidth);
    }
    file.vector("output_norm.weight", kWidth);
    file.matrix("output.weight", kVocabulary, kWidth);
    return file.bytes();
  }

  ThreadPool pool_;
  std::vector<uint8_t> file_;
  std::unique_ptr<model::Model> model_;
};

}  // namespace sotto::engine
