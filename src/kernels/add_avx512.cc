// The AVX-512 level: what its files improve on the scalar reference.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

namespace sotto::kernels {

void add_avx512_multiply(Kernels& kernels);
void add_avx512_attention(Kernels& kernels);
void add_avx512_vector(Kernels& kernels);

void add_avx512(Kernels& kernels) {
  kernels.isa = "avx512";
  add_avx512_multiply(kernels);
  add_avx512_attention(kernels);
  add_avx512_vector(kernels);
}

}  // namespace sotto::kernels
