// Which of the instruction sets is used: the best of the machine, or the one that SOTTO_ISA names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/kernels.h"

namespace sotto::kernels {

// Every supported level, lowest first.
std::vector<Isa> supported_levels();

// `unsupported` when `name` is no level or this machine lacks it. Empty or "auto" is the best one.
Result<Isa> choose_isa(const std::string& name);

// choose_isa() of the environment variable SOTTO_ISA.
Result<Isa> isa_from_environment();

}  // namespace sotto::kernels
