// Matrix products on AVX2: 8 of a group's 16 rows across the lanes, one, two or four tokens at a time.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "gguf/blocks.h"
#include "kernels/kernels.h"
#include "kernels/panels_avx2.h"

namespace sotto::kernels {
namespace {

constexpr uint32_t kChunkTokens = 64;  // share one decoding of a block
constexpr uint32_t kPanelTokens = 8;   // from here on decoding beforehand pays

// An addition that stays where it is: compilers turn chains of them into trees, and run out of registers.
inline void add_words(__m256i& sum, __m256i v) {
  sum = _mm256_add_epi16(sum, v);
  asm("" : "+x"(sum));
}
inline void add_dwords(__m256i& sum, __m256i v) {
  sum = _mm256_add_epi32(sum, v);
  asm("" : "+x"(sum));
}

// The outputs of one group while its blocks are gone through.
struct Sums {
  __m256 token[kChunkTokens][2];
};

inline void clear(Sums& sums, uint32_t tokens) {
  for (uint32_t n = 0; n < tokens; ++n) {
    sums.token[n][0] = sums.token[n][1] = _mm256_setzero_ps();
  }
}
inline void store(const Sums& sums, uint32_t tokens, float* outputs, uint64_t stride) {
  for (uint32_t n = 0; n < tokens; ++n) {
    _mm256_storeu_ps(outputs + n * stride, sums.token[n][0]);
    _mm256_storeu_ps(outputs + n * stride + 8, sums.token[n][1]);
  }
}

// dot += the exact products of 32 columns, times their integer scales.
template <class Source, int H, int N>
inline void add_products(const Source& source, uint32_t sub, const ActivationBlock* input,
                         __m256i (&dot)[H][N]) {
  using Format = typename Source::Format;
  constexpr uint32_t kRun = Traits<Format>::kRun;
#pragma GCC unroll 8
  for (uint32_t first = 0; first < 8; first += kRun) {
    __m256i words[H][N];
#pragma GCC unroll 8
    for (uint32_t quad = first; quad < first + kRun; ++quad) {
      __m256i codes[H], magnitudes[H];
#pragma GCC unroll 2
      for (uint32_t h = 0; h < H; ++h) {
        codes[h] = source.codes(h, sub, quad);
        magnitudes[h] = Format::kSigned ? _mm256_abs_epi8(codes[h]) : codes[h];
      }
#pragma GCC unroll 8
      for (uint32_t n = 0; n < N; ++n) {
        const __m256i quants = broadcast_dword(input[n].quants + 32 * sub + 4 * quad);
#pragma GCC unroll 2
        for (uint32_t h = 0; h < H; ++h) {
          const __m256i with_sign = Format::kSigned ? _mm256_sign_epi8(quants, codes[h]) : quants;
          const __m256i sums = _mm256_maddubs_epi16(magnitudes[h], with_sign);
          if (quad == first) {
            words[h][n] = sums;
          } else {
            add_words(words[h][n], sums);
          }
        }
      }
    }
#pragma GCC unroll 2
    for (uint32_t h = 0; h < H; ++h) {
      __m256i scale = _mm256_set1_epi16(1);
      if constexpr (Traits<Format>::kScaled) {
        scale = source.scale(h, Format::kSub == 16 ? 2 * sub + first / 4 : sub);
      }
#pragma GCC unroll 8
      for (uint32_t n = 0; n < N; ++n) {
        add_dwords(dot[h][n], _mm256_madd_epi16(words[h][n], scale));
      }
    }
  }
}

// The sums of the activations times what Source::pair() says.
template <class Source, int H, int N>
inline void pair_products(const Source& source, const ActivationBlock* input,
                          __m256i (&dot)[H][N]) {
  using Format = typename Source::Format;
#pragma GCC unroll 8
  for (uint32_t p = 0; p < Traits<Format>::kPairs; ++p) {
#pragma GCC unroll 2
    for (uint32_t h = 0; h < H; ++h) {
      const __m256i pair = source.pair(h, p);
#pragma GCC unroll 8
      for (uint32_t n = 0; n < N; ++n) {
        const ActivationBlock& from = input[n];
        const int16_t* sums = Format::kSub == 16 ? from.sums16 : from.sums32;
        const __m256i products = _mm256_madd_epi16(pair, broadcast_dword(sums + 2 * p));
        if (p == 0) {
          dot[h][n] = products;
        } else {
          add_dwords(dot[h][n], products);
        }
      }
    }
  }
}

// H halves from `first_half` on times N tokens, over a block of 256 columns.
template <class Source, int H, int N>
inline void tile_256(const Source& source, uint32_t first_half, const ActivationBlock* input,
                     __m256 (*sums)[2]) {
  using Format = typename Source::Format;
  __m256i dot[H][N], min_dot[H][N];
  for (auto& row : dot) {
    for (__m256i& lanes : row) lanes = _mm256_setzero_si256();
  }
  if constexpr (Format::kOffset != 0) {
    pair_products(source, input, dot);
    constexpr int kShift = 8 - __builtin_ctz(Format::kOffset);
    for (auto& row : dot) {
      for (__m256i& lanes : row) {
        lanes = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_srai_epi32(lanes, kShift));
      }
    }
  }
  for (uint32_t first = 0; first < 8; first += Source::kUnroll) {
#pragma GCC unroll 8
    for (uint32_t sub = first; sub < first + Source::kUnroll; ++sub) {
      add_products(source, sub, input, dot);
    }
  }
  if constexpr (Format::kMins) pair_products(source, input, min_dot);
#pragma GCC unroll 2
  for (uint32_t h = 0; h < H; ++h) {
    const __m256 factor = source.factor(h, 0);
#pragma GCC unroll 8
    for (uint32_t n = 0; n < N; ++n) {
      __m256 product = _mm256_mul_ps(factor, _mm256_cvtepi32_ps(dot[h][n]));
      if constexpr (Format::kMins) {
        product =
            _mm256_fnmadd_ps(source.min_factor(h, 0), _mm256_cvtepi32_ps(min_dot[h][n]), product);
      }
      const __m256 scale = _mm256_set1_ps(input[n].scales[0]);
      __m256& sum = sums[n][first_half + h];
      sum = _mm256_fmadd_ps(scale, product, sum);
    }
  }
}

// The same over `subs` blocks of 32 columns.
template <class Source, int H, int N>
inline void tile_32(const Source& source, uint32_t subs, uint32_t first_half,
                    const ActivationBlock* input, __m256 (*sums)[2]) {
  using Format = typename Source::Format;
  __m256 sum[H][N];
  for (uint32_t n = 0; n < N; ++n) {
    for (uint32_t h = 0; h < H; ++h) sum[h][n] = sums[n][first_half + h];
  }
  for (uint32_t sub = 0; sub < subs; ++sub) {
    __m256i dot[H][N];
    for (uint32_t n = 0; n < N; ++n) {
      __m256i offset = _mm256_setzero_si256();
      if constexpr (Format::kOffset != 0) {  // offsets32 are of 128
        constexpr int kShift = 7 - __builtin_ctz(Format::kOffset);
        offset = _mm256_srai_epi32(_mm256_set1_epi32(input[n].offsets32[sub]), kShift);
      }
      for (uint32_t h = 0; h < H; ++h) dot[h][n] = offset;
    }
    add_products(source, sub, input, dot);
#pragma GCC unroll 2
    for (uint32_t h = 0; h < H; ++h) {
      const __m256 factor = source.factor(h, sub);
#pragma GCC unroll 8
      for (uint32_t n = 0; n < N; ++n) {
        const ActivationBlock& from = input[n];
        __m256 product = _mm256_mul_ps(factor, _mm256_cvtepi32_ps(dot[h][n]));
        if constexpr (Format::kMins) {  // each row's minimum stands for all 32 columns
          const __m256 min_dot = _mm256_set1_ps(static_cast<float>(from.sums32[sub]));
          product = _mm256_fnmadd_ps(source.min_factor(h, sub), min_dot, product);
        }
        sum[h][n] = _mm256_fmadd_ps(_mm256_set1_ps(from.scales[sub]), product, sum[h][n]);
      }
    }
  }
  for (uint32_t n = 0; n < N; ++n) {
    for (uint32_t h = 0; h < H; ++h) sums[n][first_half + h] = sum[h][n];
  }
}

template <int H, int N, class Source>
__attribute__((noinline)) void tile(const Source& source, uint32_t subs, uint32_t first_half,
                                    const ActivationBlock* input, __m256 (*sums)[2]) {
  if constexpr (Source::Format::kBlock == 256) {
    tile_256<Source, H, N>(source, first_half, input, sums);
  } else {
    tile_32<Source, H, N>(source, subs, first_half, input, sums);
  }
}

// One step of a walk over a group: 256 columns from 256 * c on, or what is left of the row.
struct Step {
  const Matrix* matrix;
  const uint8_t* group;
  uint32_t c, subs;
  const ActivationBlock* input;  // of the first token
};

// N tokens that decode as they go.
template <class Format, int N>
void direct(const Step& step, uint32_t token, Sums& sums) {
  const ActivationBlock* input = step.input + token;
  if constexpr (N == 4) {  // there are not registers enough for both halves at once
    const Direct<Format, 1> low(step.group, step.c, 0);
    tile<1, N>(low, step.subs, 0, input, sums.token + token);
    const Direct<Format, 1> high(step.group, step.c, 1);
    tile<1, N>(high, step.subs, 1, input, sums.token + token);
  } else {
    const Direct<Format, 2> both(step.group, step.c, 0);
    tile<2, N>(both, step.subs, 0, input, sums.token + token);
  }
}

template <class Format>
void few(const Step& step, uint32_t tokens, Sums& sums) {
  if (tokens & 4) direct<Format, 4>(step, 0, sums);
  if (tokens & 2) direct<Format, 2>(step, tokens & 4, sums);
  if (tokens & 1) direct<Format, 1>(step, tokens & 6, sums);
}

template <class Format>
struct Bytes {
  using Buffer = Panel<Format>;
  static void decode(const Step& step, Buffer& panel) { panel.fill(step.group, step.c, step.subs); }
  template <int N>
  static void run(const Buffer& panel, const Step& step, uint32_t token, Sums& sums) {
    tile<2, N>(panel, step.subs, 0, step.input + token, sums.token + token);
  }
};

// sum += what a block comes to, from its exact integers.
template <bool mins, int N>
inline void add_block(const WordPanel& panel, uint32_t sub, const __m256i (&dot)[2][N],
                      const ActivationBlock* input, __m256 (*sums)[2]) {
#pragma GCC unroll 2
  for (uint32_t h = 0; h < 2; ++h) {
#pragma GCC unroll 8
    for (uint32_t n = 0; n < N; ++n) {
      const ActivationBlock& from = input[n];
      __m256 product = _mm256_mul_ps(panel.factors[sub][h], _mm256_cvtepi32_ps(dot[h][n]));
      if constexpr (mins) {
        __m256i min_dot = _mm256_setzero_si256();
        for (uint32_t p = 0; p < 8; ++p) {
          const __m256i pair = broadcast_dword(from.sums16 + 2 * p);
          min_dot = _mm256_add_epi32(min_dot, _mm256_madd_epi16(panel.pairs[p][h], pair));
        }
        product = _mm256_fnmadd_ps(panel.min_factors[h], _mm256_cvtepi32_ps(min_dot), product);
      }
      sums[n][h] = _mm256_fmadd_ps(_mm256_set1_ps(from.scales[sub]), product, sums[n][h]);
    }
  }
}

// The panel times N tokens.
template <uint32_t block, bool mins, int N>
void word_tile(const WordPanel& panel, uint32_t subs, const ActivationBlock* input,
               __m256 (*sums)[2]) {
  TokenWords tokens[N];
  for (uint32_t n = 0; n < N; ++n) widen(input[n], tokens[n]);
  __m256i dot[2][N];
  for (uint32_t sub = 0; sub < subs; ++sub) {
    if (block == 32 || sub == 0) {
      for (uint32_t n = 0; n < N; ++n) dot[0][n] = dot[1][n] = _mm256_setzero_si256();
    }
#pragma GCC unroll 8
    for (uint32_t quad = 0; quad < 8; ++quad) {
      const auto& words = panel.words[8 * sub + quad];
#pragma GCC unroll 2
      for (uint32_t odd = 0; odd < 2; ++odd) {
#pragma GCC unroll 8
        for (uint32_t n = 0; n < N; ++n) {
          const __m256i* from = odd == 0 ? tokens[n].even : tokens[n].odd;
          const __m256i pair =
              broadcast_dword(reinterpret_cast<const char*>(from + sub) + 4 * quad);
          add_dwords(dot[0][n], _mm256_madd_epi16(words[odd][0], pair));
          add_dwords(dot[1][n], _mm256_madd_epi16(words[odd][1], pair));
        }
      }
    }
    if (block == 32) add_block<mins>(panel, sub, dot, input, sums);
  }
  if (block == 256) add_block<mins>(panel, 0, dot, input, sums);
}

template <class Format>
struct Words {
  using Buffer = WordPanel;
  static void decode(const Step& step, Buffer& panel) {
    fill<Format>(panel, step.group, step.c, step.subs);
  }
  template <int N>
  static void run(const Buffer& panel, const Step& step, uint32_t token, Sums& sums) {
    word_tile<Format::kBlock, false, N>(panel, step.subs, step.input + token, sums.token + token);
  }
};

// Formats of 256 columns without kernels of their own: each row's block by the file's decoder.
struct Decoded {
  using Buffer = WordPanel;
  static void decode(const Step& step, Buffer& panel) {
    for (uint32_t h = 0; h < 2; ++h) {
      gguf::IntegerBlock rows[8];
      for (uint32_t r = 0; r < 8; ++r) {
        uint8_t block[256];
        unpack_block(step.matrix->type, step.group, 8 * h + r, step.c, block);
        gguf::decode_block(step.matrix->type, block, rows[r]);
      }
      fill_half(panel, h, rows);
    }
  }
  template <int N>
  static void run(const Buffer& panel, const Step& step, uint32_t token, Sums& sums) {
    word_tile<256, true, N>(panel, step.subs, step.input + token, sums.token + token);
  }
};

// All tokens of a chunk from one decoding.
template <class Kind>
void many(const Step& step, uint32_t tokens, Sums& sums) {
  typename Kind::Buffer panel;
  Kind::decode(step, panel);
  uint32_t token = 0;
  for (; token + 4 <= tokens; token += 4) Kind::template run<4>(panel, step, token, sums);
  if (tokens & 2) Kind::template run<2>(panel, step, token, sums);
  token += tokens & 2;
  if (tokens & 1) Kind::template run<1>(panel, step, token, sums);
}

template <class Format>
void any(const Step& step, uint32_t tokens, Sums& sums) {
  if (tokens < kPanelTokens) {
    few<Format>(step, tokens, sums);
  } else if constexpr (Format::kSigned) {
    many<Words<Format>>(step, tokens, sums);
  } else {
    many<Bytes<Format>>(step, tokens, sums);
  }
}

// Walks over the blocks of each group with up to 64 tokens at a time.
template <void (*advance)(const Step&, uint32_t tokens, Sums&)>
void multiply(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
              const Activations& activations, float* outputs, uint64_t stride) {
  Sums sums;
  for (uint32_t g = group_begin; g < group_end; ++g) {
    for (uint32_t token = 0; token < activations.tokens; token += kChunkTokens) {
      const uint32_t left = activations.tokens - token;
      const uint32_t tokens = left < kChunkTokens ? left : kChunkTokens;
      Step step{&matrix, matrix.data + uint64_t{g} * matrix.group_bytes, 0, 8,
                activations.blocks + token};
      clear(sums, tokens);
      for (uint32_t column = 0; column < matrix.columns; column += 256) {
        const uint32_t subs = (matrix.columns - column) / 32;
        step.subs = subs < 8 ? subs : 8;
        advance(step, tokens, sums);
        ++step.c;
        step.input += activations.block_stride;
      }
      store(sums, tokens, outputs + token * stride + uint64_t{g} * kGroupRows, stride);
    }
  }
}

}  // namespace

void add_avx2_multiply(Kernels& kernels) {
  using gguf::TensorType;
  const auto set = [&kernels](TensorType type, Multiply function) {
    kernels.multiply[static_cast<uint32_t>(type)] = function;
  };
  for (uint32_t number = 0; number < 40; ++number) {
    if (kernels.multiply[number] == nullptr) continue;
    const TensorType type = static_cast<TensorType>(number);
    if (gguf::traits(type).block_elements == 256) set(type, multiply<many<Decoded>>);
  }
  set(TensorType::Q4_0, multiply<any<FormatQ40>>);
  set(TensorType::Q4_1, multiply<any<FormatQ41>>);
  set(TensorType::Q5_0, multiply<any<FormatQ50>>);
  set(TensorType::Q5_1, multiply<any<FormatQ51>>);
  set(TensorType::Q8_0, multiply<any<FormatQ80>>);
  set(TensorType::IQ4_NL, multiply<any<FormatIQ4NL>>);
  set(TensorType::Q2_K, multiply<any<FormatQ2K>>);
  set(TensorType::Q3_K, multiply<any<FormatQ3K>>);
  set(TensorType::Q4_K, multiply<any<FormatQ4K>>);
  set(TensorType::Q5_K, multiply<any<FormatQ5K>>);
  set(TensorType::Q6_K, multiply<any<FormatQ6K>>);
  set(TensorType::IQ4_XS, multiply<any<FormatIQ4XS>>);
  set(TensorType::TQ2_0, multiply<any<FormatTQ20>>);
}

}  // namespace sotto::kernels
