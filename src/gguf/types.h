// The tensor types of GGUF and the size of their blocks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sotto::gguf {

// Numbers as stored in files [GGUF §tensor info]; gaps are types that no file should hold any more.
enum class TensorType : uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  IQ2_XXS = 16,
  IQ2_XS = 17,
  IQ3_XXS = 18,
  IQ1_S = 19,
  IQ4_NL = 20,
  IQ3_S = 21,
  IQ2_S = 22,
  IQ4_XS = 23,
  IQ1_M = 29,
  BF16 = 30,
  TQ1_0 = 34,
  TQ2_0 = 35,
};

struct TypeTraits {
  TensorType type;
  std::string_view name;    // as ggml spells it: "Q4_K"
  uint32_t block_elements;  // 1 for the floating-point types, 32 or 256 for the others
  uint32_t block_bytes;
};

// Every supported type, in the order of the enumeration.
std::span<const TypeTraits> all_types();

// nullptr when the number is not a supported type.
const TypeTraits* find_type(uint32_t number);

const TypeTraits& traits(TensorType type);

// "Q4_K" → its type; nothing when no type has that name (case-sensitive).
std::optional<TensorType> type_by_name(std::string_view name);

}  // namespace sotto::gguf
