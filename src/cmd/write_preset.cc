// Each tensor's few distinct rows, over and over.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/write_preset.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "cmd/presets.h"
#include "gguf/random_blocks.h"
#include "gguf/writer.h"

namespace sotto::cmd {
namespace {

using Append = std::function<Result<void>(Bytes)>;

Result<void> append_vector(const gguf::TensorInfo& tensor, const Append& append) {
  CHECK(tensor.type == gguf::TensorType::F32);
  const std::vector<float> values(tensor.elements(), tensor.name.ends_with(".bias") ? 0.0f : 1.0f);
  return append({reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)});
}

Result<void> append_matrix(const gguf::TensorInfo& tensor, const Append& append) {
  const uint64_t rows_distinct = std::min(tensor.rows(), gguf::kRandomRowsDistinct);
  const uint64_t row_bytes = tensor.bytes / tensor.rows();
  std::vector<uint8_t> rows(rows_distinct * row_bytes);
  gguf::RandomBlocks().fill(tensor.type, tensor.row_elements(),
                            rows_distinct * tensor.row_elements(), rows.data());
  for (uint64_t row = 0; row < tensor.rows(); row += rows_distinct) {
    const uint64_t count = std::min(rows_distinct, tensor.rows() - row);
    TRY(append(Bytes(rows).first(count * row_bytes)));
  }
  return {};
}

// SentencePiece's: three control tokens, the 256 bytes, and words that nobody says. Programs want
// one even where they are given token ids.
Result<void> add_vocabulary(gguf::Metadata& metadata) {
  enum Kind : int32_t { normal = 1, unknown = 2, control = 3, byte = 6 };
  const auto architecture = TRY(metadata.get<std::string>("general.architecture"));
  const auto count = TRY(metadata.get<uint32_t>(architecture + ".vocab_size"));
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> kinds = {unknown, control, control};
  for (int value = 0; value < 256; ++value) {
    tokens.push_back(fmt::format("<0x{:02X}>", value));
    kinds.push_back(byte);
  }
  CHECK(count >= tokens.size());
  while (tokens.size() < count) {
    tokens.push_back(fmt::format("\u2581w{}", tokens.size()));
    kinds.push_back(normal);
  }
  TRY(metadata.add("tokenizer.ggml.model", std::string("llama")));
  TRY(metadata.add("tokenizer.ggml.tokens", gguf::Array{std::move(tokens)}));
  TRY(metadata.add("tokenizer.ggml.scores", gguf::Array{std::vector<float>(count)}));
  TRY(metadata.add("tokenizer.ggml.token_type", gguf::Array{std::move(kinds)}));
  return {};
}

}  // namespace

Result<void> write_preset(const gguf::Description& description, const std::filesystem::path& path,
                          const Progress& progress) {
  gguf::Metadata metadata = description.metadata;
  TRY(add_vocabulary(metadata));
  const uint64_t total = tensor_bytes(description);
  uint64_t done = 0;
  std::vector<gguf::TensorProducer> tensors;
  for (const gguf::TensorInfo& tensor : description.tensors) {
    const auto produce = [&](const Append& append) -> Result<void> {
      TRY(tensor.shape.size() == 1 ? append_vector(tensor, append) : append_matrix(tensor, append));
      done += tensor.bytes;
      if (progress) progress(done, total);
      return {};
    };
    tensors.push_back({tensor.name, tensor.type, tensor.shape, produce});
  }
  return gguf::write_file_piecewise(path, metadata, tensors);
}

}  // namespace sotto::cmd
