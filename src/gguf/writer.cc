// Writing GGUF files of version 3.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/writer.h"

#include <set>

#include "base/output_file.h"
#include "gguf/encoding.h"
#include "gguf/header.h"

namespace sotto::gguf {
namespace {

Result<uint32_t> alignment_of(const Metadata& metadata) {
  const auto alignment = TRY(metadata.get_or<uint32_t>("general.alignment", kAlignmentDefault));
  TRY(check_alignment(alignment));
  return alignment;
}

Result<void> check_metadata(const Metadata& metadata) {
  if (metadata.entries().size() > kMetadataKeysMax) {
    return fail(ErrorKind::malformed, "{} metadata keys, more than {}", metadata.entries().size(),
                kMetadataKeysMax);
  }
  for (const Metadata::Entry& entry : metadata.entries()) {
    TRY(check_name(entry.key, kKeyBytesMax, "metadata key"));
  }
  return {};
}

Result<void> check_tensor(const TensorData& tensor) {
  TRY(check_name(tensor.name, kTensorNameBytesMax, "tensor name"));
  auto bytes = tensor_bytes(traits(tensor.type), tensor.shape);
  if (!bytes) return within(fmt::format("tensor '{}'", tensor.name), std::move(bytes).error());
  if (*bytes != tensor.data.size()) {
    return fail(ErrorKind::malformed, "tensor '{}': {} bytes of data where its shape needs {}",
                tensor.name, tensor.data.size(), *bytes);
  }
  return {};
}

Result<void> check_tensors(const std::vector<TensorData>& tensors) {
  if (tensors.size() > kTensorsMax) {
    return fail(ErrorKind::malformed, "{} tensors, more than {}", tensors.size(), kTensorsMax);
  }
  std::set<std::string_view> names;
  for (const TensorData& tensor : tensors) {
    TRY(check_tensor(tensor));
    if (!names.insert(tensor.name).second) {
      return fail(ErrorKind::malformed, "tensor '{}' is there twice", tensor.name);
    }
  }
  return {};
}

uint64_t aligned(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// Everything before the tensor data, padding included.
Result<std::vector<uint8_t>> serialize_header(const Metadata& metadata,
                                              const std::vector<TensorData>& tensors,
                                              uint32_t alignment) {
  TRY(check_metadata(metadata));
  TRY(check_tensors(tensors));
  ByteWriter out;
  out.write(kMagic);
  out.write(kVersionWritten);
  out.write<uint64_t>(tensors.size());
  out.write<uint64_t>(metadata.entries().size());
  for (const Metadata::Entry& entry : metadata.entries()) append_entry(out, entry);
  uint64_t offset = 0;
  for (const TensorData& tensor : tensors) {
    append_string(out, tensor.name);
    out.write(static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t dimension : tensor.shape) out.write(dimension);
    out.write(static_cast<uint32_t>(tensor.type));
    out.write(offset);
    offset += aligned(tensor.data.size(), alignment);
  }
  out.pad_to(alignment);
  return out.release();
}

// Calls append(bytes) for the whole file, piece by piece.
template <class Append>
Result<void> write_pieces(const Metadata& metadata, const std::vector<TensorData>& tensors,
                          Append append) {
  const uint32_t alignment = TRY(alignment_of(metadata));
  const std::vector<uint8_t> header = TRY(serialize_header(metadata, tensors, alignment));
  const std::vector<uint8_t> zeros(alignment);
  TRY(append(Bytes(header)));
  for (const TensorData& tensor : tensors) {
    const uint64_t bytes = tensor.data.size();
    TRY(append(tensor.data));
    TRY(append(Bytes(zeros).first(aligned(bytes, alignment) - bytes)));
  }
  return {};
}

}  // namespace

Result<std::vector<uint8_t>> serialize(const Metadata& metadata,
                                       const std::vector<TensorData>& tensors) {
  ByteWriter out;
  TRY(write_pieces(metadata, tensors, [&](Bytes bytes) -> Result<void> {
    out.append(bytes);
    return {};
  }));
  return out.release();
}

Result<void> write_file(const std::filesystem::path& path, const Metadata& metadata,
                        const std::vector<TensorData>& tensors) {
  OutputFile file = TRY(OutputFile::create(path));
  TRY(write_pieces(metadata, tensors, [&](Bytes bytes) { return file.append(bytes); }));
  return file.commit();
}

}  // namespace sotto::gguf
