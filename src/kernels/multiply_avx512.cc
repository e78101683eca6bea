// Matrix products on AVX-512 with VNNI: 16 rows across the lanes, up to 8 tokens at a time.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/codebooks_avx512.h"
#include "kernels/formats_avx512.h"
#include "kernels/kernels.h"
#include "kernels/panel_avx512.h"

namespace sotto::kernels {
namespace {

// Weights are asked for this far ahead, into the second-level cache: measured best. Not so by passes of
// few tokens on AMD's processors, which find the one stream by themselves and are slower when told (0
// asks for the line at hand); a pass of 8 tokens goes on so slowly that they stop at every page.
constexpr uint32_t kPrefetchBytes = 2304;
uint32_t few_tokens_prefetch_bytes;  // set once, when the table is made

template <uint32_t lines, int tokens>
inline void prefetch(const void* at) {
  const uint32_t ahead = tokens < 8 ? few_tokens_prefetch_bytes : kPrefetchBytes;
#pragma GCC unroll 16
  for (uint32_t line = 0; line < lines; ++line) {
    _mm_prefetch(static_cast<const char*>(at) + 64 * line + ahead, _MM_HINT_T1);
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
inline void add_products(typename Format::Block& block, const ActivationBlock* input,
                         uint32_t first_sub, __m512i (&dot)[N]) {
  constexpr uint32_t kSubs = Format::kBlock / 32;
  // Two chains of sums where the scales differ, or where one would wait for itself.
  constexpr bool kTwo = Format::kSub == 16 || N <= 2;
  // A block's cache lines are asked for evenly, as those of an earlier one are consumed.
  constexpr uint32_t kLines = sizeof(*block.at) / 64, kEach = kLines / kSubs;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(block.at);
  if (stream) prefetch<kLines - kEach * kSubs, N>(bytes + 64 * kEach * kSubs);
#pragma GCC unroll 8
  for (uint32_t sub = 0; sub < kSubs; ++sub) {
    if (stream) prefetch<kEach, N>(bytes + 64 * kEach * sub);
    __m512i part[2][N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n];
      part[0][n] = part[1][n] = _mm512_setzero_si512();
      if (!Format::kOffset) continue;
      if (Format::kSub == 16) {
        part[0][n] = _mm512_set1_epi32(from.offsets16[2 * (first_sub + sub)]);
        part[1][n] = _mm512_set1_epi32(from.offsets16[2 * (first_sub + sub) + 1]);
      } else {
        part[0][n] = _mm512_set1_epi32(from.offsets32[first_sub + sub]);
      }
    }
    __m512i w[8];
    if constexpr (DecodesSubs<Format>) Format::decode_sub(block, sub, w);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      if constexpr (!DecodesSubs<Format>) Format::decode(block, sub, i, w[i], w[i + 4]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const int8_t* at = input[n].quants + 32 * (first_sub + sub) + 4 * i;
        part[0][n] = _mm512_dpbusd_epi32(part[0][n], w[i], broadcast_dword(at));
        __m512i& second = part[kTwo][n];
        second = _mm512_dpbusd_epi32(second, w[i + 4], broadcast_dword(at + 16));
      }
    }
    add_scaled<Format, N, kTwo>(block, sub, part, dot);
  }
}

// M of the contract, for formats with minima in blocks of 256.
template <class Format, int N>
inline void minimum_products(const typename Format::Block& block, const ActivationBlock* input,
                             __m512i (&dot)[N]) {
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) dot[n] = _mm512_setzero_si512();
#pragma GCC unroll 8
  for (uint32_t p = 0; p < Format::kBlock / Format::kSub / 2; ++p) {
    const __m512i mins = Format::min_pair(block, p);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n];
      const int16_t* sums = Format::kSub == 16 ? from.sums16 : from.sums32;
      dot[n] = _mm512_dpwssd_epi32(dot[n], mins, broadcast_dword(sums + 2 * p));
    }
  }
}

// One block of 256 columns times N tokens, added to what stands in `out` [N][stride].
template <class Format, int N, bool stream>
inline void add_block(typename Format::Block& block, bool first, const ActivationBlock* input,
                      float* out, uint64_t stride) {
  __m512i dot[N], min_dot[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) dot[n] = _mm512_setzero_si512();
  add_products<Format, N, stream>(block, input, 0, dot);
  if constexpr (Format::kMins) minimum_products<Format>(block, input, min_dot);
  const __m512 factor = Format::factor(block);
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    __m512 product = _mm512_mul_ps(factor, _mm512_cvtepi32_ps(dot[n]));
    if constexpr (Format::kMins) {
      product =
          _mm512_fnmadd_ps(Format::min_factor(block), _mm512_cvtepi32_ps(min_dot[n]), product);
    }
    const __m512 sum = first ? _mm512_setzero_ps() : _mm512_loadu_ps(out + n * stride);
    const __m512 scale = _mm512_set1_ps(input[n].scales[0]);
    _mm512_storeu_ps(out + n * stride, _mm512_fmadd_ps(scale, product, sum));
  }
}

// One row group times N tokens. The sums stand in `outputs` between blocks of 256: a block's own
// partial sums need the registers.
template <class Format, int N, bool stream>
void tile(const Matrix& matrix, const uint8_t* group, const Activations& activations,
          uint32_t token, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / 256;
  const ActivationBlock* input = activations.blocks + token;
  // Not read in the loop: the compiler cannot know that no store hits it, and waits.
  const uint64_t block_stride = activations.block_stride;
  for (uint32_t b = 0; b < blocks; ++b, input += block_stride) {
    typename Format::Block block = Format::open(group, b);
    add_block<Format, N, stream>(block, b == 0, input, outputs + token * stride, stride);
  }
}

// The same for blocks of 32.
template <class Format, int N, bool stream>
void tile_32(const Matrix& matrix, const uint8_t* group, const Activations& activations,
             uint32_t token, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / 32;
  const ActivationBlock* tokens = activations.blocks + token;
  const uint64_t block_stride = activations.block_stride;
  __m512 sum[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
  for (uint32_t b = 0; b < blocks; ++b) {
    typename Format::Block block = Format::open(group, b);
    const ActivationBlock* input = tokens + b / 8 * block_stride;
    __m512i dot[N];
    add_products<Format, N, stream>(block, input, b % 8, dot);
    const __m512 factor = Format::factor(block);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n];
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
      if (stream) prefetch<1, N>(at);
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

// One or two tokens have too few chains of multiply-adds to use the machine: 4 groups side by side.
template <class Load, int G, int N>
void float_groups(const Matrix& matrix, uint32_t g, const Activations& activations, uint32_t token,
                  float* outputs, uint64_t stride) {
  const uint8_t* groups = matrix.data + uint64_t{g} * matrix.group_bytes;
  const float* values = activations.values + token * activations.value_stride;
  __m512 sum[G][N];
  for (auto& group : sum) {
    for (__m512& lanes : group) lanes = _mm512_setzero_ps();
  }
  for (uint32_t column = 0; column < matrix.columns; ++column) {
#pragma GCC unroll 4
    for (uint32_t i = 0; i < G; ++i) {
      const uint8_t* at = groups + i * matrix.group_bytes + uint64_t{column} * Load::kBytes;
      if (Load::kBytes == 64 || column % 2 == 0) prefetch<1, N>(at);
      const __m512 weights = Load::load(at);
#pragma GCC unroll 2
      for (uint32_t n = 0; n < N; ++n) {
        const __m512 value = _mm512_set1_ps(values[n * activations.value_stride + column]);
        sum[i][n] = _mm512_fmadd_ps(weights, value, sum[i][n]);
      }
    }
  }
  for (uint32_t i = 0; i < G; ++i) {
    for (uint32_t n = 0; n < N; ++n) {
      float* out = outputs + (token + n) * stride + uint64_t{g + i} * kGroupRows;
      _mm512_storeu_ps(out, sum[i][n]);
    }
  }
}

template <class Load, int N>
void float_pass(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                const Activations& activations, uint32_t token, float* outputs, uint64_t stride) {
  uint32_t g = group_begin;
  for (; g + 4 <= group_end; g += 4) {
    float_groups<Load, 4, N>(matrix, g, activations, token, outputs, stride);
  }
  for (; g < group_end; ++g) {
    float_groups<Load, 1, N>(matrix, g, activations, token, outputs, stride);
  }
}

template <class Load>
void multiply_floats(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                     const Activations& activations, float* outputs, uint64_t stride) {
  Activations fours = activations;
  fours.tokens &= ~3u;
  multiply<Floats<Load>>(matrix, group_begin, group_end, fours, outputs, stride);
  uint32_t token = fours.tokens;
  if (activations.tokens & 2) {
    float_pass<Load, 2>(matrix, group_begin, group_end, activations, token, outputs, stride);
    token += 2;
  }
  if (activations.tokens & 1) {
    float_pass<Load, 1>(matrix, group_begin, group_end, activations, token, outputs, stride);
  }
}

// Formats that are dear to decode: a block is decoded once to a panel, with which all tokens are
// multiplied while it is in the first-level cache.
template <class Format>
inline void fill_panel(const uint8_t* group, uint32_t b, Panel<Format>& panel) {
  typename Format::Block block = Format::open(group, b);
  constexpr uint32_t kLines = sizeof(*block.at) / 64;
  prefetch<kLines, 8>(block.at);
  panel.fill(block);
}

// Tokens whose sums are kept together for a panel; beyond them it is filled again.
constexpr uint32_t kPanelSums = 128;

template <class Format, int N>
inline void add_panel(const Panel<Format>& panel, bool first, const ActivationBlock* input,
                      uint32_t token, float (&sums)[kPanelSums][16]) {
  typename FromPanel<Format>::Block block{&panel};
  add_block<FromPanel<Format>, N, false>(block, first, input + token, sums[token], 16);
}

template <class Format>
inline void add_panel_tokens(const Panel<Format>& panel, bool first, const ActivationBlock* input,
                             uint32_t tokens, float (&sums)[kPanelSums][16]) {
  uint32_t token = 0;
  for (; token + 8 <= tokens; token += 8) {
    add_panel<Format, 8>(panel, first, input, token, sums);
  }
  if ((tokens & 4) != 0) add_panel<Format, 4>(panel, first, input, token, sums);
  token += tokens & 4;
  if ((tokens & 2) != 0) add_panel<Format, 2>(panel, first, input, token, sums);
  token += tokens & 2;
  if ((tokens & 1) != 0) add_panel<Format, 1>(panel, first, input, token, sums);
}

template <class Format>
void multiply_panels(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                     const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / 256;
  Panel<Format> panel;
  alignas(64) float sums[kPanelSums][16];
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens; token += kPanelSums) {
      const uint32_t left = activations.tokens - token;
      const uint32_t tokens = left < kPanelSums ? left : kPanelSums;
      const ActivationBlock* input = activations.blocks + token;
      for (uint32_t b = 0; b < blocks; ++b, input += activations.block_stride) {
        fill_panel(group, b, panel);
        add_panel_tokens(panel, b == 0, input, tokens, sums);
      }
      for (uint32_t n = 0; n < tokens; ++n) {
        float* out = outputs + (token + n) * stride + uint64_t{g} * kGroupRows;
        _mm512_storeu_ps(out, _mm512_load_ps(sums[n]));
      }
    }
  }
}

// For these a panel pays as soon as one pass over the group is not enough.
template <class Format>
void multiply_decoding_once(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                            const Activations& activations, float* outputs, uint64_t stride) {
  if (activations.tokens > 2) {
    return multiply_panels<Format>(matrix, group_begin, group_end, activations, outputs, stride);
  }
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    float* out = outputs + uint64_t{g} * kGroupRows;
    if (activations.tokens == 2) tile<Format, 2, true>(matrix, group, activations, 0, out, stride);
    if (activations.tokens == 1) tile<Format, 1, true>(matrix, group, activations, 0, out, stride);
  }
}

// Q2_K's scales and minima are enough work for a panel to pay with many tokens.
void multiply_q2k(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                  const Activations& activations, float* outputs, uint64_t stride) {
  constexpr uint32_t kMany = 32;
  const Multiply function =
      activations.tokens >= kMany ? multiply_panels<FormatQ2K> : multiply<Quantized<FormatQ2K>>;
  function(matrix, group_begin, group_end, activations, outputs, stride);
}

}  // namespace

void add_avx512_multiply(Kernels& kernels) {
  using gguf::TensorType;
  few_tokens_prefetch_bytes = __builtin_cpu_is("intel") ? kPrefetchBytes : 0;
  const auto set = [&kernels](TensorType type, Multiply function) {
    kernels.multiply[static_cast<uint32_t>(type)] = function;
  };
  set(TensorType::F32, multiply_floats<LoadF32>);
  set(TensorType::F16, multiply_floats<LoadF16>);
  set(TensorType::BF16, multiply_floats<LoadBF16>);
  set(TensorType::Q4_0, multiply<Quantized<FormatQ40>>);
  set(TensorType::Q4_1, multiply<Quantized<FormatQ41>>);
  set(TensorType::Q5_0, multiply<Quantized<FormatQ50>>);
  set(TensorType::Q5_1, multiply<Quantized<FormatQ51>>);
  set(TensorType::Q8_0, multiply<Quantized<FormatQ80>>);
  set(TensorType::IQ4_NL, multiply<Quantized<FormatIQ4NL>>);
  set(TensorType::Q2_K, multiply_q2k);
  set(TensorType::Q3_K, multiply<Quantized<FormatQ3K>>);
  set(TensorType::Q4_K, multiply<Quantized<FormatQ4K>>);
  set(TensorType::Q5_K, multiply<Quantized<FormatQ5K>>);
  set(TensorType::Q6_K, multiply<Quantized<FormatQ6K>>);
  set(TensorType::IQ4_XS, multiply<Quantized<FormatIQ4XS>>);
  set(TensorType::TQ2_0, multiply<Quantized<FormatTQ20>>);
  set(TensorType::TQ1_0, multiply_decoding_once<FormatTQ10>);
  set(TensorType::IQ1_S, multiply_decoding_once<FormatIQ1S>);
  set(TensorType::IQ1_M, multiply_decoding_once<FormatIQ1M>);
  set(TensorType::IQ2_XXS, multiply_decoding_once<FormatIQ2XXS>);
  set(TensorType::IQ2_XS, multiply_decoding_once<FormatIQ2XS>);
  set(TensorType::IQ2_S, multiply_decoding_once<FormatIQ2S>);
  set(TensorType::IQ3_XXS, multiply_decoding_once<FormatIQ3XXS>);
  set(TensorType::IQ3_S, multiply_decoding_once<FormatIQ3S>);
}

}  // namespace sotto::kernels
