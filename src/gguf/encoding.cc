// Writing names and values the way a GGUF file holds them.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/encoding.h"

#include "gguf/header.h"

namespace sotto::gguf {
namespace {

void append_scalar(ByteWriter& out, const std::string& value) {
  append_string(out, value);
}
void append_scalar(ByteWriter& out, bool value) {
  out.write<uint8_t>(value ? 1 : 0);
}
template <class T>
void append_scalar(ByteWriter& out, T value) {
  out.write(value);
}

void append_type(ByteWriter& out, ValueType type) {
  out.write(static_cast<uint32_t>(type));
}

void append_array(ByteWriter& out, const Array& array) {
  std::visit(
      [&]<class T>(const std::vector<T>& items) {
        append_type(out, value_type_of<T>());
        out.write<uint64_t>(items.size());
        if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
          out.append(
              Bytes(reinterpret_cast<const uint8_t*>(items.data()), sizeof(T) * items.size()));
        } else {
          for (const auto& item : items) append_scalar(out, item);
        }
      },
      array.items);
}

}  // namespace

void append_string(ByteWriter& out, std::string_view text) {
  out.write<uint64_t>(text.size());
  out.append(text);
}

void append_entry(ByteWriter& out, const Metadata::Entry& entry) {
  append_string(out, entry.key);
  std::visit(
      [&]<class T>(const T& value) {
        append_type(out, value_type_of<T>());
        if constexpr (std::is_same_v<T, Array>) {
          append_array(out, value);
        } else {
          append_scalar(out, value);
        }
      },
      entry.value);
}

}  // namespace sotto::gguf
