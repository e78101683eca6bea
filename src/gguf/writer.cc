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

// What the header says of one tensor.
struct Entry {
  std::string_view name;
  TensorType type;
  const std::vector<uint64_t>& shape;
  uint64_t bytes;
};

template <class Tensor>
Result<std::vector<Entry>> check_tensors(const std::vector<Tensor>& tensors) {
  if (tensors.size() > kTensorsMax) {
    return fail(ErrorKind::malformed, "{} tensors, more than {}", tensors.size(), kTensorsMax);
  }
  std::set<std::string_view> names;
  std::vector<Entry> entries;
  for (const Tensor& tensor : tensors) {
    TRY(check_name(tensor.name, kTensorNameBytesMax, "tensor name"));
    const auto bytes = tensor_bytes(traits(tensor.type), tensor.shape);
    if (!bytes) return within(fmt::format("tensor '{}'", tensor.name), bytes.error());
    if (!names.insert(tensor.name).second) {
      return fail(ErrorKind::malformed, "tensor '{}' is there twice", tensor.name);
    }
    entries.push_back({tensor.name, tensor.type, tensor.shape, *bytes});
  }
  return entries;
}

Result<void> check_size(std::string_view name, uint64_t bytes, uint64_t needed) {
  if (bytes == needed) return {};
  return fail(ErrorKind::malformed, "tensor '{}': {} bytes of data where its shape needs {}", name,
              bytes, needed);
}

uint64_t aligned(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// Everything before the tensor data, padding included.
Result<std::vector<uint8_t>> serialize_header(const Metadata& metadata,
                                              const std::vector<Entry>& tensors,
                                              uint32_t alignment) {
  TRY(check_metadata(metadata));
  ByteWriter out;
  out.write(kMagic);
  out.write(kVersionWritten);
  out.write<uint64_t>(tensors.size());
  out.write<uint64_t>(metadata.entries().size());
  for (const Metadata::Entry& entry : metadata.entries()) append_entry(out, entry);
  uint64_t offset = 0;
  for (const Entry& tensor : tensors) {
    append_string(out, tensor.name);
    out.write(static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t dimension : tensor.shape) out.write(dimension);
    out.write(static_cast<uint32_t>(tensor.type));
    out.write(offset);
    offset += aligned(tensor.bytes, alignment);
  }
  out.pad_to(alignment);
  return out.release();
}

using Append = std::function<Result<void>(Bytes)>;

Result<void> append_data(const TensorData& tensor, const Append& append) {
  return append(tensor.data);
}

Result<void> append_data(const TensorProducer& tensor, const Append& append) {
  return tensor.produce(append);
}

// Calls append(bytes) for the whole file, piece by piece.
template <class Tensor>
Result<void> write_pieces(const Metadata& metadata, const std::vector<Tensor>& tensors,
                          const Append& append) {
  const uint32_t alignment = TRY(alignment_of(metadata));
  const std::vector<Entry> entries = TRY(check_tensors(tensors));
  const std::vector<uint8_t> header = TRY(serialize_header(metadata, entries, alignment));
  const std::vector<uint8_t> zeros(alignment);
  TRY(append(Bytes(header)));
  for (size_t index = 0; index < tensors.size(); ++index) {
    uint64_t bytes = 0;
    TRY(append_data(tensors[index], [&](Bytes piece) {
      bytes += piece.size();
      return append(piece);
    }));
    TRY(check_size(entries[index].name, bytes, entries[index].bytes));
    TRY(append(Bytes(zeros).first(aligned(bytes, alignment) - bytes)));
  }
  return {};
}

template <class Tensor>
Result<void> write_to_file(const std::filesystem::path& path, const Metadata& metadata,
                           const std::vector<Tensor>& tensors) {
  OutputFile file = TRY(OutputFile::create(path));
  TRY(write_pieces(metadata, tensors, [&](Bytes bytes) { return file.append(bytes); }));
  return file.commit();
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
  return write_to_file(path, metadata, tensors);
}

Result<void> write_file_piecewise(const std::filesystem::path& path, const Metadata& metadata,
                                  const std::vector<TensorProducer>& tensors) {
  return write_to_file(path, metadata, tensors);
}

}  // namespace sotto::gguf
