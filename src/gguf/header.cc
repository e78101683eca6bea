// Parsing the untrusted header of one GGUF file.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

namespace sotto::gguf {
namespace {

// Like a ByteReader over the file, of which only the first part is at hand: what lies beyond that
// part is `exhausted`, what lies beyond the file is `malformed`.
class Reader {
 public:
  Reader(Bytes bytes, uint64_t file_bytes) : bytes_(bytes), file_bytes_(file_bytes) {}

  uint64_t offset() const { return offset_; }

  // Whether `count` items of `item_bytes` each can still follow, and are at hand.
  Result<void> require(uint64_t count, uint64_t item_bytes, std::string_view field) const {
    if (count > (file_bytes_ - offset_) / item_bytes) {
      return fail(ErrorKind::malformed,
                  "{} at offset {}: {} times {} bytes are beyond the file's end at {}", field,
                  offset_, count, item_bytes, file_bytes_);
    }
    if (count * item_bytes > bytes_.size() - offset_) {
      return fail(ErrorKind::exhausted, "{} at offset {}: the header goes on beyond {} bytes",
                  field, offset_, bytes_.size());
    }
    return {};
  }

  Result<Bytes> take(uint64_t count, std::string_view field) {
    TRY(require(count, 1, field));
    const Bytes taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

  template <class T>
  Result<T> read(std::string_view field) {
    const Bytes raw = TRY(take(sizeof(T), field));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  Result<std::string> string(std::string_view field) {
    const uint64_t length = TRY(read<uint64_t>(field));
    const Bytes raw = TRY(take(length, field));
    return std::string(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

  Result<bool> boolean(std::string_view field) {
    const uint64_t at = offset_;
    const uint8_t value = TRY(read<uint8_t>(field));
    if (value > 1) {
      return fail(ErrorKind::malformed, "{} at offset {}: a boolean is {}", field, at, value);
    }
    return value == 1;
  }

 private:
  Bytes bytes_;
  uint64_t file_bytes_;
  uint64_t offset_ = 0;
};

template <class T>
Result<T> read_scalar(Reader& in, std::string_view field) {
  if constexpr (std::is_same_v<T, std::string>) {
    return in.string(field);
  } else if constexpr (std::is_same_v<T, bool>) {
    return in.boolean(field);
  } else {
    return in.read<T>(field);
  }
}

// Calls visit.operator()<T>() with the C++ type of a scalar value type.
template <class Out, class Visit>
Result<Out> with_scalar_type(uint32_t number, uint64_t at, Visit visit) {
  switch (static_cast<ValueType>(number)) {
    case ValueType::uint8:
      return visit.template operator()<uint8_t>();
    case ValueType::int8:
      return visit.template operator()<int8_t>();
    case ValueType::uint16:
      return visit.template operator()<uint16_t>();
    case ValueType::int16:
      return visit.template operator()<int16_t>();
    case ValueType::uint32:
      return visit.template operator()<uint32_t>();
    case ValueType::int32:
      return visit.template operator()<int32_t>();
    case ValueType::float32:
      return visit.template operator()<float>();
    case ValueType::boolean:
      return visit.template operator()<bool>();
    case ValueType::string:
      return visit.template operator()<std::string>();
    case ValueType::uint64:
      return visit.template operator()<uint64_t>();
    case ValueType::int64:
      return visit.template operator()<int64_t>();
    case ValueType::float64:
      return visit.template operator()<double>();
    case ValueType::array:
      return fail(ErrorKind::unsupported, "type at offset {}: an array of arrays", at);
  }
  return fail(ErrorKind::malformed, "type at offset {}: value type {} is unknown", at, number);
}

template <class T>
Result<Array> read_items(Reader& in) {
  const uint64_t count = TRY(in.read<uint64_t>("array length"));
  // A string is at least its 8-byte length; so nothing is allocated that the file does not hold.
  constexpr uint64_t kItemBytes = std::is_same_v<T, std::string> ? 8
                                  : std::is_same_v<T, bool>      ? 1
                                                                 : sizeof(T);
  TRY(in.require(count, kItemBytes, "array"));
  std::vector<T> items;
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) {
    items.reserve(count);
    for (uint64_t i = 0; i < count; ++i) items.push_back(TRY(read_scalar<T>(in, "array item")));
  } else {
    const Bytes raw = TRY(in.take(count * kItemBytes, "array"));
    items.resize(count);
    if (count != 0) std::memcpy(items.data(), raw.data(), raw.size());
  }
  return Array{std::move(items)};
}

Result<Value> read_value(Reader& in) {
  const uint64_t at = in.offset();
  const uint32_t type = TRY(in.read<uint32_t>("value type"));
  if (type != static_cast<uint32_t>(ValueType::array)) {
    return with_scalar_type<Value>(type, at, [&]<class T>() -> Result<Value> {
      return Value(TRY(read_scalar<T>(in, "value")));
    });
  }
  const uint64_t item_at = in.offset();
  const uint32_t item_type = TRY(in.read<uint32_t>("array item type"));
  return with_scalar_type<Value>(item_type, item_at, [&]<class T>() -> Result<Value> {
    return Value(TRY(read_items<T>(in)));
  });
}

Result<void> read_metadata(Reader& in, uint64_t count, Metadata& metadata) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = in.offset();
    auto key = in.string("key");
    if (!key) return within(fmt::format("metadata entry {}", i), std::move(key).error());
    if (const auto ok = check_name(*key, kKeyBytesMax, "key"); !ok) {
      return within(fmt::format("metadata entry {} at offset {}", i, at), ok.error());
    }
    auto value = read_value(in);
    if (!value) return within(fmt::format("metadata key '{}'", *key), std::move(value).error());
    const auto added = metadata.add(std::move(*key), std::move(*value));
    if (!added) return within(fmt::format("metadata entry {} at offset {}", i, at), added.error());
  }
  return {};
}

Result<uint32_t> alignment_of(const Metadata& metadata) {
  const Value* value = metadata.find("general.alignment");
  if (value == nullptr) return kAlignmentDefault;
  const uint32_t* alignment = std::get_if<uint32_t>(value);
  if (alignment == nullptr) {
    return fail(ErrorKind::malformed, "metadata key 'general.alignment' is not an uint32");
  }
  TRY(check_alignment(*alignment));
  return *alignment;
}

// One entry of the tensor table, its offset still counted from the start of the data.
Result<TensorInfo> read_tensor(Reader& in) {
  TensorInfo tensor{};
  tensor.name = TRY(in.string("name"));
  TRY(check_name(tensor.name, kTensorNameBytesMax, "name"));
  const uint32_t dimensions = TRY(in.read<uint32_t>("dimension count"));
  if (dimensions < 1 || dimensions > kDimensionsMax) {
    return fail(ErrorKind::malformed, "'{}' has {} dimensions, not 1 to {}", tensor.name,
                dimensions, kDimensionsMax);
  }
  for (uint32_t i = 0; i < dimensions; ++i) {
    tensor.shape.push_back(TRY(in.read<uint64_t>("dimension")));
  }
  const uint32_t type_number = TRY(in.read<uint32_t>("type"));
  const TypeTraits* type = find_type(type_number);
  if (type == nullptr) {
    return fail(ErrorKind::unsupported, "'{}' has type {}, which is not supported", tensor.name,
                type_number);
  }
  tensor.type = type->type;
  auto bytes = tensor_bytes(*type, tensor.shape);
  if (!bytes) return within(fmt::format("'{}'", tensor.name), std::move(bytes).error());
  tensor.bytes = *bytes;
  tensor.offset = TRY(in.read<uint64_t>("offset"));
  return tensor;
}

// Moves offsets from the start of the data to the start of the file, checking that the tensors lie
// in it.
Result<void> place_tensors(Header& header, uint64_t file_bytes) {
  // No overflow: header.bytes is at most the size of what is in memory.
  const uint64_t data = (header.bytes + header.alignment - 1) / header.alignment * header.alignment;
  for (TensorInfo& tensor : header.tensors) {
    if (tensor.offset % header.alignment != 0) {
      return fail(ErrorKind::malformed, "tensor '{}': offset {} is not a multiple of {}",
                  tensor.name, tensor.offset, header.alignment);
    }
    if (data > file_bytes || tensor.offset > file_bytes - data ||
        tensor.bytes > file_bytes - data - tensor.offset) {
      return fail(ErrorKind::malformed,
                  "tensor '{}': {} bytes at offset {} of the data at {} end beyond the file's {} "
                  "bytes",
                  tensor.name, tensor.bytes, tensor.offset, data, file_bytes);
    }
    tensor.offset += data;
  }
  return {};
}

Result<void> check_overlaps(const std::vector<TensorInfo>& tensors) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t index) { return tensors[index].offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorInfo& before = tensors[order[i - 1]];
    const TensorInfo& after = tensors[order[i]];
    if (before.offset + before.bytes > after.offset) {
      return fail(ErrorKind::malformed,
                  "tensor '{}' ends at {} and overlaps tensor '{}', which begins at {}",
                  before.name, before.offset + before.bytes, after.name, after.offset);
    }
  }
  return {};
}

Result<uint32_t> read_version(Reader& in) {
  const uint32_t magic = TRY(in.read<uint32_t>("magic"));
  if (magic != kMagic) {
    return fail(ErrorKind::malformed, "magic at offset 0 is {:#010x}, not that of a GGUF file",
                magic);
  }
  const uint32_t version = TRY(in.read<uint32_t>("version"));
  const uint32_t swapped = __builtin_bswap32(version);
  if (version > 0xffff && swapped >= 1 && swapped <= 0xffff) {
    return fail(ErrorKind::unsupported,
                "version at offset 4: a big-endian GGUF file (version {}); only little-endian "
                "files are supported",
                swapped);
  }
  if (version < 2 || version > 3) {
    return fail(ErrorKind::unsupported,
                "version at offset 4: GGUF version {} is not supported, only 2 and 3", version);
  }
  return version;
}

}  // namespace

Result<void> check_name(std::string_view name, uint64_t bytes_max, std::string_view field) {
  if (name.empty() || name.size() > bytes_max) {
    return fail(ErrorKind::malformed, "{} of {} bytes, not 1 to {}", field, name.size(), bytes_max);
  }
  if (!std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; })) {
    return fail(ErrorKind::malformed, "{} holds a byte that is not printable ASCII", field);
  }
  return {};
}

Result<void> check_alignment(uint64_t alignment) {
  if (alignment < 8 || alignment > kAlignmentMax || !std::has_single_bit(alignment)) {
    return fail(ErrorKind::malformed, "general.alignment is {}, not a power of two from 8 to {}",
                alignment, kAlignmentMax);
  }
  return {};
}

Result<uint64_t> tensor_bytes(const TypeTraits& type, const std::vector<uint64_t>& shape) {
  if (shape.empty() || shape.size() > kDimensionsMax) {
    return fail(ErrorKind::malformed, "{} dimensions, not 1 to {}", shape.size(), kDimensionsMax);
  }
  for (const uint64_t dimension : shape) {
    if (dimension == 0) return fail(ErrorKind::malformed, "a dimension is 0");
  }
  if (shape[0] % type.block_elements != 0) {
    return fail(ErrorKind::malformed, "rows of {} elements are not whole {} blocks of {}", shape[0],
                type.name, type.block_elements);
  }
  // The element count is bounded too, so that callers may multiply it without checks.
  constexpr uint64_t kBytesMax = uint64_t{1} << 60;
  uint64_t elements = 1;
  for (const uint64_t dimension : shape) {
    if (dimension > kBytesMax / elements) {
      return fail(ErrorKind::malformed, "the product of the dimensions overflows");
    }
    elements *= dimension;
  }
  const uint64_t blocks = elements / type.block_elements;
  if (blocks > kBytesMax / type.block_bytes) {
    return fail(ErrorKind::malformed, "the size in bytes overflows");
  }
  return blocks * type.block_bytes;
}

Result<Header> read_header(Bytes bytes, uint64_t file_bytes) {
  Reader in(bytes.first(std::min<uint64_t>(bytes.size(), file_bytes)), file_bytes);
  Header header;
  header.version = TRY(read_version(in));
  const uint64_t tensor_count = TRY(in.read<uint64_t>("tensor count"));
  const uint64_t key_count = TRY(in.read<uint64_t>("metadata count"));
  if (tensor_count > kTensorsMax) {
    return fail(ErrorKind::malformed, "tensor count at offset 8 is {}, more than {}", tensor_count,
                kTensorsMax);
  }
  if (key_count > kMetadataKeysMax) {
    return fail(ErrorKind::malformed, "metadata count at offset 16 is {}, more than {}", key_count,
                kMetadataKeysMax);
  }
  TRY(read_metadata(in, key_count, header.metadata));
  header.alignment = TRY(alignment_of(header.metadata));
  for (uint64_t i = 0; i < tensor_count; ++i) {
    const uint64_t at = in.offset();
    auto tensor = read_tensor(in);
    if (!tensor) {
      return within(fmt::format("tensor {} at offset {}", i, at), std::move(tensor).error());
    }
    header.tensors.push_back(std::move(*tensor));
  }
  header.bytes = in.offset();
  TRY(place_tensors(header, file_bytes));
  TRY(check_overlaps(header.tensors));
  return header;
}

}  // namespace sotto::gguf
