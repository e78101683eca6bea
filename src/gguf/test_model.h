// A small well-formed model for tests, which they then damage.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "gguf/writer.h"

namespace sotto::gguf {

inline Bytes as_bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
}

template <class T>
void add_for_testing(Metadata& metadata, const char* key, T value) {
  CHECK(metadata.add(key, Value(std::move(value))).has_value());
}

// The example of docs/protocols/model-identity.md.
struct ExampleModel {
  Metadata metadata;
  std::vector<float> embedding{1, 2, 3, 4};
  std::vector<float> norm{0.5, 0.25};

  ExampleModel() {
    add_for_testing(metadata, "general.architecture", std::string("qwen2"));
    add_for_testing(metadata, "general.name", std::string("example"));
    add_for_testing(metadata, "qwen2.block_count", uint32_t{1});
    add_for_testing(metadata, "tokenizer.ggml.tokens", Array{std::vector<std::string>{"a", "b"}});
  }

  std::vector<TensorData> tensors() const {
    return {{"token_embd.weight", TensorType::F32, {2, 2}, as_bytes(embedding)},
            {"output_norm.weight", TensorType::F32, {2}, as_bytes(norm)}};
  }

  std::vector<uint8_t> file() const {
    auto bytes = serialize(metadata, tensors());
    CHECK(bytes.has_value());
    return std::move(*bytes);
  }
};

}  // namespace sotto::gguf
