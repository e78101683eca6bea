// A model file of a preset's shape with made-up weights, so that other programs can be measured on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/progress.h"
#include "base/result.h"
#include "gguf/file.h"

namespace sotto::cmd {

// Writes what describe_preset() described, with the weights of Model::synthetic(): a model loaded
// from the file computes the same. Its vocabulary is made up too. `unavailable` when the file cannot
// be written.
Result<void> write_preset(const gguf::Description& description, const std::filesystem::path& path,
                          const Progress& progress);

}  // namespace sotto::cmd
