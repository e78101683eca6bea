// Fuzzes parse_header(), Source::read() and dequantize(): no input may crash them, and what was parsed
// survives being written and parsed again.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "gguf/blocks.h"
#include "gguf/load.h"
#include "gguf/writer.h"

namespace {

using namespace sotto;

std::vector<gguf::TensorData> tensors_of(const gguf::Description& model, Bytes file) {
  std::vector<gguf::TensorData> tensors;
  for (const gguf::TensorInfo& tensor : model.tensors) {
    tensors.push_back(
        {tensor.name, tensor.type, tensor.shape, file.subspan(tensor.offset, tensor.bytes)});
  }
  return tensors;
}

// Part of a header is either too little, said as such, or enough.
void check_prefix(const gguf::Description& model, Bytes file) {
  const uint64_t header_bytes = model.files[0].header_bytes;
  const auto half = gguf::parse_header(file.first(header_bytes / 2), file.size());
  CHECK(!half && half.error().kind == ErrorKind::exhausted);
  CHECK(gguf::parse_header(file.first(header_bytes), file.size()).has_value());
}

// Bytes, since metadata may hold NaN, which is not equal to itself.
void check_round_trip(const gguf::Description& model, Bytes file) {
  const auto written = gguf::serialize(model.metadata, tensors_of(model, file));
  CHECK(written.has_value());
  const auto again = gguf::parse_header(*written, written->size());
  CHECK(again.has_value() && again->alignment == model.alignment);
  CHECK(again->tensors.size() == model.tensors.size());
  const auto twice = gguf::serialize(again->metadata, tensors_of(*again, *written));
  CHECK(twice.has_value() && *twice == *written);
}

void check_reading(Bytes file) {
  const auto source = gguf::Source::from_memory(file);
  CHECK(source.has_value());
  const auto identity = source->read(nullptr, 1, {});
  CHECK(identity.has_value() && identity->file_sha256[0] == crypto::sha256(file));
}

void dequantize_first_blocks(const gguf::Description& model, Bytes file) {
  for (const gguf::TensorInfo& tensor : model.tensors) {
    float values[256];
    gguf::dequantize(tensor.type, file.data() + tensor.offset,
                     gguf::traits(tensor.type).block_elements, values);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes file(data, size);
  const auto model = gguf::parse_header(file, file.size());
  if (!model) return 0;
  check_prefix(*model, file);
  check_round_trip(*model, file);
  check_reading(file);
  dequantize_first_blocks(*model, file);
  return 0;
}
