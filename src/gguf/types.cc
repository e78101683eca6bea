// The tensor types of GGUF as a table.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/types.h"

#include <algorithm>

#include "base/check.h"

namespace sotto::gguf {
namespace {

constexpr TypeTraits kTypes[] = {
    {TensorType::F32, "F32", 1, 4},
    {TensorType::F16, "F16", 1, 2},
    {TensorType::Q4_0, "Q4_0", 32, 18},
    {TensorType::Q4_1, "Q4_1", 32, 20},
    {TensorType::Q5_0, "Q5_0", 32, 22},
    {TensorType::Q5_1, "Q5_1", 32, 24},
    {TensorType::Q8_0, "Q8_0", 32, 34},
    {TensorType::Q2_K, "Q2_K", 256, 84},
    {TensorType::Q3_K, "Q3_K", 256, 110},
    {TensorType::Q4_K, "Q4_K", 256, 144},
    {TensorType::Q5_K, "Q5_K", 256, 176},
    {TensorType::Q6_K, "Q6_K", 256, 210},
    {TensorType::IQ2_XXS, "IQ2_XXS", 256, 66},
    {TensorType::IQ2_XS, "IQ2_XS", 256, 74},
    {TensorType::IQ3_XXS, "IQ3_XXS", 256, 98},
    {TensorType::IQ1_S, "IQ1_S", 256, 50},
    {TensorType::IQ4_NL, "IQ4_NL", 32, 18},
    {TensorType::IQ3_S, "IQ3_S", 256, 110},
    {TensorType::IQ2_S, "IQ2_S", 256, 82},
    {TensorType::IQ4_XS, "IQ4_XS", 256, 136},
    {TensorType::IQ1_M, "IQ1_M", 256, 56},
    {TensorType::BF16, "BF16", 1, 2},
    {TensorType::TQ1_0, "TQ1_0", 256, 54},
    {TensorType::TQ2_0, "TQ2_0", 256, 66},
};

static_assert(std::ranges::is_sorted(kTypes, {}, &TypeTraits::type));

}  // namespace

std::span<const TypeTraits> all_types() {
  return kTypes;
}

const TypeTraits* find_type(uint32_t number) {
  const auto* found =
      std::ranges::lower_bound(kTypes, static_cast<TensorType>(number), {}, &TypeTraits::type);
  return found != std::end(kTypes) && found->type == static_cast<TensorType>(number) ? found
                                                                                     : nullptr;
}

const TypeTraits& traits(TensorType type) {
  const TypeTraits* found = find_type(static_cast<uint32_t>(type));
  CHECK(found != nullptr);
  return *found;
}

std::optional<TensorType> type_by_name(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &TypeTraits::name);
  if (found == std::end(kTypes)) return std::nullopt;
  return found->type;
}

}  // namespace sotto::gguf
