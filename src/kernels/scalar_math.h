// Elementary functions of the numerics contract, in scalar form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

namespace sotto::kernels {

// exp, within 2 units in the last place over [-87, 88]; 0 below, exp(88) above.
float exp_reference(float x);

// The fixed sum of 16 lanes: upper half onto lower half, four times.
float tree_sum(const float (&lanes)[16]);

void add_scalar_attention(Kernels& kernels);
void add_scalar_peak(Kernels& kernels);

}  // namespace sotto::kernels
