// Where a model named on a command line comes from: a path, the local store, or the program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "gguf/load.h"

namespace sotto::cmd {

// `demo` is the bundled model; a name with no '/' that is not a file is looked up as
// $SOTTO_HOME/models/NAME[.gguf]; everything else is a path. `unavailable` says where was looked.
Result<gguf::Source> open_model(const std::string& model);

// The folder of the local store: $SOTTO_HOME, or `sotto` under the user's data folder. Empty when
// the environment names neither.
std::filesystem::path store_folder();

// The bundled model's file, inside the program.
Bytes demo_model_file();

}  // namespace sotto::cmd
