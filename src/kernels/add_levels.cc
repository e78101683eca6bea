// The vector levels: what the files of each instruction set improve on the scalar reference.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

namespace sotto::kernels {

void add_avx2_multiply(Kernels& kernels);
void add_avx2_multiply_floats(Kernels& kernels);
void add_avx2_attention(Kernels& kernels);
void add_avx2_peak(Kernels& kernels);
void add_avx2_vector(Kernels& kernels);
void add_avx512_multiply(Kernels& kernels);
void add_avx512_attention(Kernels& kernels);
void add_avx512_peak(Kernels& kernels);
void add_avx512_vector(Kernels& kernels);
void add_amx_multiply(Kernels& kernels);

void add_avx2(Kernels& kernels) {
  kernels.isa = "avx2";
  add_avx2_multiply(kernels);
  add_avx2_multiply_floats(kernels);
  add_avx2_attention(kernels);
  add_avx2_peak(kernels);
  add_avx2_vector(kernels);
}

void add_avx512(Kernels& kernels) {
  kernels.isa = "avx512";
  add_avx512_multiply(kernels);
  add_avx512_attention(kernels);
  add_avx512_peak(kernels);
  add_avx512_vector(kernels);
}

void add_amx(Kernels& kernels) {
  kernels.isa = "amx";
  add_amx_multiply(kernels);
}

// For the AMX kernels, which leave batches of few tokens to the level below.
Multiply avx512_multiply(gguf::TensorType type) {
  static const Kernels below = [] {
    Kernels kernels{};
    add_scalar(kernels);
    add_avx2(kernels);
    add_avx512(kernels);
    return kernels;
  }();
  return below.multiply[static_cast<uint32_t>(type)];
}

}  // namespace sotto::kernels
