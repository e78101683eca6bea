// The model root: one digest over everything in a model that decides what it computes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "gguf/load.h"

namespace sotto::gguf {

// [model-identity]; `tensor_sha256` has the digest of each tensor's data, in the
// order of `description.tensors`.
Digest model_root(const Description& description, std::span<const Digest> tensor_sha256);

}  // namespace sotto::gguf
