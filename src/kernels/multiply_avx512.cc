// Matrix products on AVX-512 with VNNI: 16 rows across the lanes, up to 8 tokens at a time.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "gguf/blocks.h"
#include "kernels/formats_avx512.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

// Weights are asked for this far ahead, into the second-level cache: measured best for decoding on
// Intel's processors. AMD's find the one stream by themselves and are slower when told: 0 asks for the
// line at hand. Set once, when the table is made.
uint32_t prefetch_bytes;

template <uint32_t lines>
inline void prefetch(const void* at) {
#pragma GCC unroll 16
  for (uint32_t line = 0; line < lines; ++line) {
    _mm_prefetch(static_cast<const char*>(at) + 64 * line + prefetch_bytes, _MM_HINT_T1);
  }
}

// dot += the partial sums of 32 columns, each times its integer scale.
template <class Format, int N, bool two>
inline void add_scaled(const typename Format::Block& block, uint32_t sub, __m512i (&part)[2][N],
                       __m512i (&dot)[N]) {
  if constexpr (Format::kSub == 16) {
    const __m512i scale0 = Format::scale(block, 2 * sub);
    const __m512i scale1 = Format::scale(block, 2 * sub + 1);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const __m512i first = _mm512_mullo_epi32(part[0][n], scale0);
      const __m512i second = _mm512_mullo_epi32(part[1][n], scale1);
      dot[n] = _mm512_add_epi32(dot[n], _mm512_add_epi32(first, second));
    }
  } else {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      if (two) part[0][n] = _mm512_add_epi32(part[0][n], part[1][n]);
      if constexpr (Format::kBlock == 32) {
        dot[n] = part[0][n];
      } else if constexpr (Format::kSub == 256) {
        dot[n] = _mm512_add_epi32(dot[n], part[0][n]);
      } else {
        dot[n] =
            _mm512_add_epi32(dot[n], _mm512_mullo_epi32(part[0][n], Format::scale(block, sub)));
      }
    }
  }
}

// The exact integer D of the contract for N tokens, of one block: the columns from 32 * first_sub on
// of the activations' block.
template <class Format, int N, bool stream>
inline void add_products(const typename Format::Block& block, const ActivationBlock* input,
                         uint64_t stride, uint32_t first_sub, __m512i (&dot)[N]) {
  constexpr uint32_t kSubs = Format::kBlock / 32;
  // Two chains of sums where the scales differ, or where one would wait for itself.
  constexpr bool kTwo = Format::kSub == 16 || N <= 2;
  // A block's cache lines are asked for evenly, as those of an earlier one are consumed.
  constexpr uint32_t kLines = sizeof(*block.at) / 64, kEach = kLines / kSubs;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(block.at);
  if (stream) prefetch<kLines - kEach * kSubs>(bytes + 64 * kEach * kSubs);
#pragma GCC unroll 8
  for (uint32_t sub = 0; sub < kSubs; ++sub) {
    if (stream) prefetch<kEach>(bytes + 64 * kEach * sub);
    __m512i part[2][N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n * stride];
      part[0][n] = part[1][n] = _mm512_setzero_si512();
      if (!Format::kOffset) continue;
      if (Format::kSub == 16) {
        part[0][n] = _mm512_set1_epi32(from.offsets16[2 * (first_sub + sub)]);
        part[1][n] = _mm512_set1_epi32(from.offsets16[2 * (first_sub + sub) + 1]);
      } else {
        part[0][n] = _mm512_set1_epi32(from.offsets32[first_sub + sub]);
      }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      __m512i low, high;
      Format::decode(block, sub, i, low, high);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const int8_t* at = input[n * stride].quants + 32 * (first_sub + sub) + 4 * i;
        part[0][n] = _mm512_dpbusd_epi32(part[0][n], low, broadcast_dword(at));
        __m512i& second = part[kTwo][n];
        second = _mm512_dpbusd_epi32(second, high, broadcast_dword(at + 16));
      }
    }
    add_scaled<Format, N, kTwo>(block, sub, part, dot);
  }
}

// M of the contract, for formats with minima in blocks of 256.
template <class Format, int N>
inline void minimum_products(const typename Format::Block& block, const ActivationBlock* input,
                             uint64_t stride, __m512i (&dot)[N]) {
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) dot[n] = _mm512_setzero_si512();
#pragma GCC unroll 8
  for (uint32_t p = 0; p < Format::kBlock / Format::kSub / 2; ++p) {
    const __m512i mins = Format::min_pair(block, p);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n * stride];
      const int16_t* sums = Format::kSub == 16 ? from.sums16 : from.sums32;
      dot[n] = _mm512_dpwssd_epi32(dot[n], mins, broadcast_dword(sums + 2 * p));
    }
  }
}

// One row group times N tokens. The sums stand in `outputs` between blocks of 256: a block's own
// partial sums need the registers.
template <class Format, int N, bool stream>
void tile(const Matrix& matrix, const uint8_t* group, const Activations& activations,
          uint32_t token, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / 256;
  const uint64_t input_stride = activations.block_stride;
  const ActivationBlock* input = activations.blocks + token * input_stride;
  for (uint32_t b = 0; b < blocks; ++b, ++input) {
    const typename Format::Block block = Format::open(group, b);
    __m512i dot[N], min_dot[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) dot[n] = _mm512_setzero_si512();
    add_products<Format, N, stream>(block, input, input_stride, 0, dot);
    if constexpr (Format::kMins) minimum_products<Format>(block, input, input_stride, min_dot);
    const __m512 factor = Format::factor(block);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      __m512 product = _mm512_mul_ps(factor, _mm512_cvtepi32_ps(dot[n]));
      if constexpr (Format::kMins) {
        product =
            _mm512_fnmadd_ps(Format::min_factor(block), _mm512_cvtepi32_ps(min_dot[n]), product);
      }
      float* out = outputs + (token + n) * stride;
      const __m512 sum = b == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(out);
      const __m512 scale = _mm512_set1_ps(input[n * input_stride].scales[0]);
      _mm512_storeu_ps(out, _mm512_fmadd_ps(scale, product, sum));
    }
  }
}

// The same for blocks of 32.
template <class Format, int N, bool stream>
void tile_32(const Matrix& matrix, const uint8_t* group, const Activations& activations,
             uint32_t token, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / 32;
  const uint64_t input_stride = activations.block_stride;
  const ActivationBlock* tokens = activations.blocks + token * input_stride;
  __m512 sum[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
  for (uint32_t b = 0; b < blocks; ++b) {
    const typename Format::Block block = Format::open(group, b);
    const ActivationBlock* input = tokens + b / 8;
    __m512i dot[N];
    add_products<Format, N, stream>(block, input, input_stride, b % 8, dot);
    const __m512 factor = Format::factor(block);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n * input_stride];
      __m512 product = _mm512_mul_ps(factor, _mm512_cvtepi32_ps(dot[n]));
      if constexpr (Format::kMins) {  // each row's minimum stands for all 32 columns
        const __m512 min_dot = _mm512_set1_ps(static_cast<float>(from.sums32[b % 8]));
        product = _mm512_fnmadd_ps(Format::min_factor(block), min_dot, product);
      }
      sum[n] = _mm512_fmadd_ps(_mm512_set1_ps(from.scales[b % 8]), product, sum[n]);
    }
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) _mm512_storeu_ps(outputs + (token + n) * stride, sum[n]);
}

// A format as multiply() takes it. Only the first pass over a group reads it from memory.
template <class Format>
struct Quantized {
  template <int N, bool stream>
  static void run(const Matrix& matrix, const uint8_t* group, const Activations& activations,
                  uint32_t token, float* outputs, uint64_t stride) {
    if constexpr (Format::kBlock == 256) {
      tile<Format, N, stream>(matrix, group, activations, token, outputs, stride);
    } else {
      tile_32<Format, N, stream>(matrix, group, activations, token, outputs, stride);
    }
  }
};

// 16 weights of one column as floats.
struct LoadF32 {
  static __m512 load(const uint8_t* at) { return _mm512_load_ps(at); }
  static constexpr uint32_t kBytes = 64;
};
struct LoadF16 {
  static __m512 load(const uint8_t* at) { return halves(reinterpret_cast<const uint16_t*>(at)); }
  static constexpr uint32_t kBytes = 32;
};
struct LoadBF16 {
  static __m512 load(const uint8_t* at) {
    const __m256i raw = _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(raw), 16));
  }
  static constexpr uint32_t kBytes = 32;
};

template <class Load>
struct Floats {
  template <int N, bool stream>
  static void run(const Matrix& matrix, const uint8_t* group, const Activations& activations,
                  uint32_t token, float* outputs, uint64_t stride) {
    const float* values = activations.values + token * activations.value_stride;
    __m512 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
    for (uint32_t column = 0; column < matrix.columns; ++column) {
      const uint8_t* at = group + uint64_t{column} * Load::kBytes;
      if (stream) prefetch<1>(at);
      const __m512 weights = Load::load(at);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const float value = values[uint64_t(n) * activations.value_stride + column];
        sum[n] = _mm512_fmadd_ps(weights, _mm512_set1_ps(value), sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

// Passes over a group's weights with 8 tokens at a time, then 4, 2 and 1.
template <class Kind>
void multiply(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
              const Activations& activations, float* outputs, uint64_t stride) {
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    float* out = outputs + uint64_t{g} * kGroupRows;
    uint32_t token = 0;
    if (activations.tokens >= 8) {
      Kind::template run<8, true>(matrix, group, activations, 0, out, stride);
      token = 8;
    }
    for (; token + 8 <= activations.tokens; token += 8) {
      Kind::template run<8, false>(matrix, group, activations, token, out, stride);
    }
    const uint32_t left = activations.tokens - token;
    if (left & 4) Kind::template run<4, true>(matrix, group, activations, token, out, stride);
    token += left & 4;
    if (left & 2) Kind::template run<2, true>(matrix, group, activations, token, out, stride);
    token += left & 2;
    if (left & 1) Kind::template run<1, true>(matrix, group, activations, token, out, stride);
  }
}

// The formats without a layout of their own: every block is decoded to integers once per 32 tokens.
constexpr uint32_t kGenericTokens = 32;

inline int32_t dot_decoded(const int16_t* weights, const int8_t* quants, uint32_t count) {
  __m512i dot = _mm512_setzero_si512();
  for (uint32_t i = 0; i < count; i += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(quants + i));
    dot = _mm512_dpwssd_epi32(dot, _mm512_loadu_si512(weights + i), _mm512_cvtepi8_epi16(bytes));
  }
  return _mm512_reduce_add_epi32(dot);
}

inline int32_t dot_mins(const int16_t* mins, const int16_t* sums, uint32_t count) {
  int32_t dot = 0;
  for (uint32_t i = 0; i < count; ++i) dot += mins[i] * sums[i];
  return dot;
}

struct GenericBlock {
  alignas(64) int32_t dot[kGenericTokens][16];
  alignas(64) int32_t min_dot[kGenericTokens][16];
  alignas(64) float scale[16];
  alignas(64) float min_scale[16];
};

void generic_block(const Matrix& matrix, const uint8_t* group, uint32_t b,
                   const Activations& activations, uint32_t token, uint32_t tokens,
                   GenericBlock& out) {
  const gguf::TypeTraits& type = gguf::traits(matrix.type);
  const uint32_t blocks = matrix.columns / type.block_elements;
  for (uint32_t row = 0; row < kGroupRows; ++row) {
    gguf::IntegerBlock block;
    gguf::decode_block(matrix.type, group + (uint64_t{row} * blocks + b) * type.block_bytes, block);
    out.scale[row] = block.scale;
    out.min_scale[row] = block.min_scale;
    const uint32_t first = b * type.block_elements;
    for (uint32_t n = 0; n < tokens; ++n) {
      const ActivationBlock& input =
          activations.blocks[uint64_t{token + n} * activations.block_stride + first / 256];
      out.dot[n][row] = dot_decoded(block.weight, input.quants + first % 256, type.block_elements);
      out.min_dot[n][row] =
          dot_mins(block.min, input.sums16 + first % 256 / 16, type.block_elements / 16);
    }
  }
}

void multiply_generic(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                      const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / gguf::traits(matrix.type).block_elements;
  GenericBlock decoded;
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens; token += kGenericTokens) {
      const uint32_t left = activations.tokens - token;
      const uint32_t tokens = left < kGenericTokens ? left : kGenericTokens;
      __m512 sum[kGenericTokens];
      for (uint32_t n = 0; n < tokens; ++n) sum[n] = _mm512_setzero_ps();
      for (uint32_t b = 0; b < blocks; ++b) {
        generic_block(matrix, group, b, activations, token, tokens, decoded);
        const __m512 scale = _mm512_load_ps(decoded.scale);
        const __m512 min_scale = _mm512_load_ps(decoded.min_scale);
        for (uint32_t n = 0; n < tokens; ++n) {
          const __m512 dot = _mm512_cvtepi32_ps(_mm512_load_si512(decoded.dot[n]));
          const __m512 min_dot = _mm512_cvtepi32_ps(_mm512_load_si512(decoded.min_dot[n]));
          const __m512 product = _mm512_fnmadd_ps(min_scale, min_dot, _mm512_mul_ps(scale, dot));
          const uint32_t first = b * gguf::traits(matrix.type).block_elements;
          const ActivationBlock& input =
              activations.blocks[uint64_t{token + n} * activations.block_stride + first / 256];
          const float token_scale = input.scales[first % 256 / 32];
          sum[n] = _mm512_fmadd_ps(_mm512_set1_ps(token_scale), product, sum[n]);
        }
      }
      for (uint32_t n = 0; n < tokens; ++n) {
        _mm512_storeu_ps(outputs + (token + n) * stride + uint64_t{g} * kGroupRows, sum[n]);
      }
    }
  }
}

}  // namespace

void add_avx512_multiply(Kernels& kernels) {
  using gguf::TensorType;
  prefetch_bytes = __builtin_cpu_is("intel") ? 2304 : 0;
  const auto set = [&kernels](TensorType type, Multiply function) {
    kernels.multiply[static_cast<uint32_t>(type)] = function;
  };
  for (Multiply& function : kernels.multiply) {
    if (function != nullptr) function = multiply_generic;
  }
  set(TensorType::F32, multiply<Floats<LoadF32>>);
  set(TensorType::F16, multiply<Floats<LoadF16>>);
  set(TensorType::BF16, multiply<Floats<LoadBF16>>);
  set(TensorType::Q4_0, multiply<Quantized<FormatQ40>>);
  set(TensorType::Q4_1, multiply<Quantized<FormatQ41>>);
  set(TensorType::Q5_0, multiply<Quantized<FormatQ50>>);
  set(TensorType::Q5_1, multiply<Quantized<FormatQ51>>);
  set(TensorType::Q8_0, multiply<Quantized<FormatQ80>>);
  set(TensorType::IQ4_NL, multiply<Quantized<FormatIQ4NL>>);
  set(TensorType::Q2_K, multiply<Quantized<FormatQ2K>>);
  set(TensorType::Q3_K, multiply<Quantized<FormatQ3K>>);
  set(TensorType::Q4_K, multiply<Quantized<FormatQ4K>>);
  set(TensorType::Q5_K, multiply<Quantized<FormatQ5K>>);
  set(TensorType::Q6_K, multiply<Quantized<FormatQ6K>>);
  set(TensorType::IQ4_XS, multiply<Quantized<FormatIQ4XS>>);
  set(TensorType::TQ2_0, multiply<Quantized<FormatTQ20>>);
}

}  // namespace sotto::kernels
