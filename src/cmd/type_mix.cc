// The customary mixes of block formats.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/type_mix.h"

#include <fmt/ranges.h>

namespace sotto::cmd {
namespace {

using gguf::TensorType;

// Where the medium mixes spend more bits: the first and the last eighth of the layers, and every
// third in between.
bool more_bits(uint32_t layer, uint32_t layers) {
  const uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

bool is_float(TensorType type) {
  return type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16;
}

// The next larger format with blocks of 32, for rows that are not a multiple of 256 long.
TensorType with_small_blocks(TensorType type) {
  switch (type) {
    case TensorType::Q4_K:
      return TensorType::Q5_0;
    case TensorType::Q5_K:
      return TensorType::Q5_1;
    case TensorType::Q6_K:
      return TensorType::Q8_0;
    default:
      return TensorType::IQ4_NL;
  }
}

}  // namespace

const TypeMix::Named TypeMix::kNamed[] = {
    {"Q4_K_M", TensorType::Q4_K, Kind::medium}, {"Q4_K_S", TensorType::Q4_K, Kind::small},
    {"Q5_K_M", TensorType::Q5_K, Kind::medium}, {"Q5_K_S", TensorType::Q5_K, Kind::uniform},
    {"Q3_K_M", TensorType::Q3_K, Kind::q3_k_m}, {"Q2_K", TensorType::Q2_K, Kind::q2_k},
    {"IQ4_NL", TensorType::IQ4_NL, Kind::iq4},  {"IQ4_XS", TensorType::IQ4_XS, Kind::iq4},
};

Result<TypeMix> TypeMix::by_name(std::string_view name) {
  for (const Named& named : kNamed) {
    if (named.name == name) return TypeMix(named.base, named.kind);
  }
  if (const auto type = gguf::type_by_name(name)) return TypeMix(*type, Kind::uniform);
  return fail(ErrorKind::unsupported, "type '{}' is not known; there are {}", name,
              fmt::join(names(), ", "));
}

std::vector<std::string> TypeMix::names() {
  std::vector<std::string> names;
  for (const Named& named : kNamed) names.emplace_back(named.name);
  for (const gguf::TypeTraits& traits : gguf::all_types()) {
    bool listed = false;
    for (const Named& named : kNamed) listed |= named.name == traits.name;
    if (!listed) names.emplace_back(traits.name);
  }
  return names;
}

TensorType TypeMix::choose(std::string_view role, uint32_t layer, uint64_t columns,
                           const MixModel& model) const {
  TensorType type = choose_unchecked(role, layer, model);
  if (columns % gguf::traits(type).block_elements != 0) type = with_small_blocks(type);
  // Rows that are odd even for blocks of 32 are not quantised at all.
  return columns % gguf::traits(type).block_elements == 0 ? type : TensorType::F16;
}

TensorType TypeMix::choose_unchecked(std::string_view role, uint32_t layer,
                                     const MixModel& model) const {
  if (is_float(base_)) return base_;
  const bool is_output = role == "output" || (role == "token_embd" && model.tied);
  if (is_output) return base_ == TensorType::Q8_0 ? base_ : TensorType::Q6_K;

  const bool value = role == "attn_v";
  const bool down = role == "ffn_down";
  TensorType type = base_;
  switch (kind_) {
    case Kind::uniform:
      break;
    case Kind::small:
      if ((value && layer < 4) || (down && layer < model.layers / 8)) type = TensorType::Q5_K;
      break;
    case Kind::medium:
      if ((value || down) && more_bits(layer, model.layers)) type = TensorType::Q6_K;
      if (role == "attn_qkv")
        type = base_ == TensorType::Q4_K ? TensorType::Q5_K : TensorType::Q6_K;
      break;
    case Kind::q2_k:
      if (value) type = model.queries_per_kv >= 4 ? TensorType::Q4_K : TensorType::Q3_K;
      if (down || role == "attn_output") type = TensorType::Q3_K;
      break;
    case Kind::q3_k_m:
      if (value) type = layer < 2 ? TensorType::Q5_K : TensorType::Q4_K;
      if (down) type = layer < model.layers / 16 ? TensorType::Q5_K : TensorType::Q4_K;
      if (role == "attn_output" || role == "attn_qkv") type = TensorType::Q4_K;
      break;
    case Kind::iq4:
      if (value && model.queries_per_kv >= 4) type = TensorType::Q5_K;
      if (down && layer < model.layers / 8) type = TensorType::Q5_K;
      break;
  }
  // In a 70B, where 8 heads share one small value matrix, better bits for it cost next to nothing.
  const bool shared_by_eight = model.layers == 80 && model.queries_per_kv == 8;
  if (value && shared_by_eight && (type == TensorType::Q3_K || type == TensorType::Q4_K)) {
    type = TensorType::Q5_K;
  }
  return type;
}

}  // namespace sotto::cmd
