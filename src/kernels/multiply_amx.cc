// Matrix products on AMX-INT8, for batches of tokens: 32 rows by all tokens, a block at a time.
// SPDX-License-Identifier: Apache-2.0
//
// What a tile can do for formats with scales, the pipeline and its costs are docs/internals/amx.md.
// A batch of few tokens is left to the AVX-512 kernels, and so is what no tile can give the contract's
// bits for: floating-point weights.
#include <immintrin.h>

#include <cstdint>

#include "kernels/codebooks_avx512.h"
#include "kernels/formats_avx512.h"
#include "kernels/kernels.h"
#include "kernels/pipeline_32_amx.h"
#include "kernels/pipeline_amx.h"

namespace sotto::kernels {

// The function of the level below; it is the same for the life of the program.
Multiply avx512_multiply(gguf::TensorType type);

namespace {

// 8 tokens are one pass of the AVX-512 kernels, and measured faster there; 9 are two.
constexpr uint32_t kTokensMin = 9;

// Tokens of a pass: their sums over one block, 64 KiB, stay in the second-level cache.
constexpr uint32_t kPassTokens = 512;

// Quants of a pass that are used over and over, once for each two row groups, and so must stay in the
// second-level cache: the columns are cut into chunks of about this size.
constexpr uint32_t kChunkBytes = 1 << 20;

constexpr uint32_t kAheadBlocks = 2;  // weights are asked for this many blocks of 256 columns ahead

// Columns [256 b, 256 (b + 1)) of a group and of the one behind it, which need not be there.
WeightsAhead weights_ahead(const uint8_t* group, const Matrix& matrix, uint32_t b,
                           uint32_t tokens) {
  const uint64_t begin = matrix.group_bytes * b * 256 / matrix.columns;
  const uint64_t end = matrix.group_bytes * (b + 1) * 256 / matrix.columns;
  const auto lines = static_cast<uint32_t>((end - begin) / 64);
  const uint32_t rows = token_tiles(tokens);
  return {reinterpret_cast<const char*>(group) + begin, matrix.group_bytes, lines,
          (lines + rows - 1) / rows};
}

// A format with blocks of 256, and how its products are split into digits.
template <class Format, class Digits>
struct Blocks256 {
  using Panel = sotto::kernels::Panel;
  using Ring = sotto::kernels::Ring;
  static constexpr uint32_t kMinPairs = Format::kMins ? 256 / Format::kSub / 2 : 0;

  static void prepare(Panel*, Ring&) {}
  static void build(const uint8_t* group, const Matrix&, uint32_t b, Panel& panel) {
    build_panel<Format, Digits>(group, b, panel);
  }
  static void run(const Panel* panels, uint32_t count, const Matrix&, uint32_t, const BlockJob& job,
                  Ring& ring) {
    if (job.inside) {
      Pipeline<Digits, kMinPairs, true>::run(panels, count, job, ring);
    } else {
      Pipeline<Digits, kMinPairs, false>::run(panels, count, job, ring);
    }
  }
};

// A format with blocks of 32, eight of which are taken together.
template <class Format>
struct Blocks32 {
  using Panel = Panel32;
  using Ring = Ring32;

  static uint32_t blocks_at(const Matrix& matrix, uint32_t b) {
    const uint32_t left = matrix.columns / 32 - 8 * b;
    return left < 8 ? left : 8;
  }
  static void prepare(Panel* panels, Ring& ring) {
    for (uint32_t p = 0; p < kPanels; ++p) clear_gaps(panels[p]);
    __builtin_memset(&ring.scales, 0, sizeof(ring.scales));
    __builtin_memset(&ring.token_sums, 0, sizeof(ring.token_sums));
  }
  static void build(const uint8_t* group, const Matrix& matrix, uint32_t b, Panel& panel) {
    build_panel_32<Format>(group, 8 * b, blocks_at(matrix, b), panel);
  }
  static void run(const Panel* panels, uint32_t count, const Matrix& matrix, uint32_t b,
                  const BlockJob& job, Ring& ring) {
    Pipeline32<Format::kMins>::run(panels, count, blocks_at(matrix, b), job, ring);
  }
};

// What a call keeps on its stack.
template <class Kind>
struct alignas(64) Workspace {
  typename Kind::Panel panels[kPanels];
  typename Kind::Ring ring;
  float sums[kPanels][kPassTokens][16];
};

// Some tokens of a call, all their columns, in chunks of `chunk` blocks of 256.
struct PassShape {
  uint32_t blocks;
  uint32_t chunk;
};

PassShape pass_shape(uint32_t columns, uint32_t tokens) {
  const uint32_t blocks = (columns + 255) / 256;
  const uint32_t fit = kChunkBytes / (256 * tokens);
  const uint32_t chunks = fit == 0 ? blocks : (blocks + fit - 1) / fit;
  return {blocks, (blocks + chunks - 1) / chunks};
}

// One or two row groups over the blocks [first, last). The sums stand in the workspace in between,
// where they are close together, and in `outputs` before and after.
template <class Kind>
void multiply_groups(const Matrix& matrix, const uint8_t* group, uint32_t count, uint32_t first,
                     uint32_t last, const Activations& activations, float* outputs, uint64_t stride,
                     Workspace<Kind>& space) {
  const SumsPlace outside{outputs, kGroupRows, stride};
  const SumsPlace inside{space.sums[0][0], uint64_t{kPassTokens} * 16, 16};
  for (uint32_t b = first; b < last; ++b) {
    for (uint32_t p = 0; p < count; ++p) {
      Kind::build(group + p * matrix.group_bytes, matrix, b, space.panels[p]);
    }
    // At the end the next two groups' first blocks; past all weights a prefetch does nothing.
    const uint32_t ahead = b + kAheadBlocks;
    const WeightsAhead weights =
        ahead < last ? weights_ahead(group, matrix, ahead, activations.tokens)
                     : weights_ahead(group + kPanels * matrix.group_bytes, matrix,
                                     first + (ahead - last) % (last - first), activations.tokens);
    const BlockJob job{
        activations.blocks + b * activations.block_stride,
        activations.block_stride,
        activations.tokens,
        b == first && b != 0 ? outside : inside,  // masked loads too fetch their lines
        b + 1 == last ? outside : inside,
        b + 2 == last ? outside : inside,
        (b != first || b == 0) && b + 1 != last,
        static_cast<__mmask16>(b == 0 ? 0 : 0xffff),
        weights};
    Kind::run(space.panels, count, matrix, b, job, space.ring);
  }
}

template <class Kind>
void multiply_pass(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                   const Activations& activations, float* outputs, uint64_t stride,
                   Workspace<Kind>& space) {
  const PassShape shape = pass_shape(matrix.columns, activations.tokens);
  configure_tiles(activations.tokens < 16 ? activations.tokens : 16);
  for (uint32_t first = 0; first < shape.blocks; first += shape.chunk) {
    const uint32_t end = first + shape.chunk;
    const uint32_t last = end < shape.blocks ? end : shape.blocks;
    for (uint32_t g = group_begin; g < group_end; g += kPanels) {
      const uint32_t count = group_end - g < kPanels ? group_end - g : kPanels;
      multiply_groups<Kind>(matrix, matrix.data + g * matrix.group_bytes, count, first, last,
                            activations, outputs + uint64_t{g} * kGroupRows, stride, space);
    }
  }
  release_tiles();
}

template <class Kind>
void multiply(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
              const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t tokens = activations.tokens;
  if (tokens < kTokensMin) {
    avx512_multiply(matrix.type)(matrix, group_begin, group_end, activations, outputs, stride);
    return;
  }
  Workspace<Kind> space;
  Kind::prepare(space.panels, space.ring);
  // Equal passes, so that none is left with few tokens.
  const uint32_t passes = (tokens + kPassTokens - 1) / kPassTokens;
  const uint32_t each = ((tokens + passes - 1) / passes + 15) / 16 * 16;
  for (uint32_t first = 0; first < tokens; first += each) {
    Activations part = activations;
    part.tokens = tokens - first < each ? tokens - first : each;
    part.blocks += first;
    multiply_pass<Kind>(matrix, group_begin, group_end, part, outputs + first * stride, stride,
                        space);
  }
}

template <class Format>
constexpr Multiply kWithScaleDigits = multiply<Blocks256<Format, ScaleDigits>>;
template <class Format>
constexpr Multiply kWithProductDigits = multiply<Blocks256<Format, ProductDigits>>;
template <class Format, bool negated = false>
constexpr Multiply kWithOneDigit = multiply<Blocks256<Format, OneDigit<negated>>>;
template <class Format>
constexpr Multiply kWithBlocks32 = multiply<Blocks32<Format>>;

}  // namespace

void add_amx_multiply(Kernels& kernels) {
  using gguf::TensorType;
  const auto set = [&kernels](TensorType type, Multiply function) {
    kernels.multiply[static_cast<uint32_t>(type)] = function;
  };
  set(TensorType::Q4_K, kWithScaleDigits<FormatQ4K>);
  set(TensorType::Q5_K, kWithScaleDigits<FormatQ5K>);
  set(TensorType::Q6_K, kWithProductDigits<FormatQ6K>);
  set(TensorType::IQ4_XS, kWithProductDigits<FormatIQ4XS>);
  set(TensorType::Q2_K, kWithOneDigit<FormatQ2K>);        // 3 * 15 at most
  set(TensorType::Q3_K, kWithOneDigit<FormatQ3K, true>);  // -124 to 128
  set(TensorType::TQ2_0, kWithOneDigit<FormatTQ20>);      // no scale inside
  set(TensorType::TQ1_0, kWithOneDigit<FormatTQ10>);
  set(TensorType::IQ1_S, kWithProductDigits<FormatIQ1S>);
  set(TensorType::IQ1_M, kWithProductDigits<FormatIQ1M>);
  set(TensorType::IQ2_XXS, kWithProductDigits<FormatIQ2XXS>);
  set(TensorType::IQ2_XS, kWithProductDigits<FormatIQ2XS>);
  set(TensorType::IQ2_S, kWithProductDigits<FormatIQ2S>);
  set(TensorType::IQ3_XXS, kWithProductDigits<FormatIQ3XXS>);
  set(TensorType::IQ3_S, kWithProductDigits<FormatIQ3S>);
  set(TensorType::Q4_0, kWithBlocks32<FormatQ40>);
  set(TensorType::Q4_1, kWithBlocks32<FormatQ41>);
  set(TensorType::Q5_0, kWithBlocks32<FormatQ50>);
  set(TensorType::Q5_1, kWithBlocks32<FormatQ51>);
  set(TensorType::Q8_0, kWithBlocks32<FormatQ80>);
  set(TensorType::IQ4_NL, kWithBlocks32<FormatIQ4NL>);
}

}  // namespace sotto::kernels
