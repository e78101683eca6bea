// The Merkle root over metadata and tensors [model-identity].
// SPDX-License-Identifier: Apache-2.0
#include "gguf/identity.h"

#include <bit>

#include "base/check.h"
#include "gguf/encoding.h"

namespace sotto::gguf {
namespace {

constexpr uint8_t kLeaf = 0;
constexpr uint8_t kNode = 1;
constexpr std::string_view kDomain = "sotto-model-v1";

// Whether a key decides what the model answers: the architecture, its numbers, the tokenizer with
// the chat template, recommended sampling. Names, licences, the file's layout and split do not.
bool covered(std::string_view key, std::string_view architecture) {
  const auto in = [key](std::string_view section) {
    return !section.empty() && key.size() > section.size() && key[section.size()] == '.' &&
           key.starts_with(section);
  };
  return key == "general.architecture" || in("general.sampling") || in("tokenizer") ||
         in(architecture);
}

Digest leaf(const ByteWriter& content) {
  crypto::Sha256 hash;
  hash.update(Bytes(&kLeaf, 1));
  hash.update(content.bytes());
  return hash.finish();
}

// [model-identity §Encoding]: the left subtree holds the largest power of two that is less than the count.
Digest root(std::span<const Digest> leaves) {
  CHECK(!leaves.empty());
  if (leaves.size() == 1) return leaves[0];
  const size_t left = std::bit_floor(leaves.size() - 1);
  crypto::Sha256 hash;
  hash.update(Bytes(&kNode, 1));
  hash.update(root(leaves.first(left)));
  hash.update(root(leaves.subspan(left)));
  return hash.finish();
}

Digest first_leaf(uint64_t keys, uint64_t tensors) {
  ByteWriter content;
  append_string(content, kDomain);
  content.write(keys);
  content.write(tensors);
  return leaf(content);
}

Digest metadata_leaf(const Metadata::Entry& entry) {
  ByteWriter content;
  content.append("M");
  append_entry(content, entry);
  return leaf(content);
}

Digest tensor_leaf(const TensorInfo& tensor, const Digest& data) {
  ByteWriter content;
  content.append("T");
  append_string(content, tensor.name);
  content.write(static_cast<uint32_t>(tensor.type));
  content.write(static_cast<uint32_t>(tensor.shape.size()));
  for (const uint64_t dimension : tensor.shape) content.write(dimension);
  content.append(data);
  return leaf(content);
}

}  // namespace

Digest model_root(const Description& description, std::span<const Digest> tensor_sha256) {
  CHECK(tensor_sha256.size() == description.tensors.size());
  const Value* value = description.metadata.find("general.architecture");
  const std::string* architecture = value == nullptr ? nullptr : std::get_if<std::string>(value);
  std::vector<Digest> leaves(1);
  for (const Metadata::Entry& entry : description.metadata.entries()) {
    if (covered(entry.key, architecture == nullptr ? "" : *architecture)) {
      leaves.push_back(metadata_leaf(entry));
    }
  }
  leaves[0] = first_leaf(leaves.size() - 1, tensor_sha256.size());
  for (size_t i = 0; i < tensor_sha256.size(); ++i) {
    leaves.push_back(tensor_leaf(description.tensors[i], tensor_sha256[i]));
  }
  return root(leaves);
}

}  // namespace sotto::gguf
