// Finding the model that was meant.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/model_source.h"

#include <cstdlib>
#include <system_error>

namespace sotto::cmd {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

fs::path environment_path(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

}  // namespace

fs::path store_folder() {
  if (const fs::path home = environment_path("SOTTO_HOME"); !home.empty()) return home;
  if (const fs::path data = environment_path("XDG_DATA_HOME"); !data.empty()) return data / "sotto";
  if (const fs::path user = environment_path("HOME"); !user.empty()) {
    return user / ".local" / "share" / "sotto";
  }
  return {};
}

Result<gguf::Source> open_model(const std::string& model) {
  if (model == "demo") return gguf::Source::from_memory(demo_model_file());
  if (model.find('/') != std::string::npos || is_file(model)) return gguf::Source::open(model);

  const fs::path store = store_folder();
  if (!store.empty()) {
    for (const char* suffix : {"", ".gguf"}) {
      const fs::path path = store / "models" / (model + suffix);
      if (is_file(path)) return gguf::Source::open(path);
    }
  }
  return fail(ErrorKind::unavailable,
              "no model '{}': not a file here, not in {}, and not 'demo', the bundled one", model,
              store.empty() ? "the store (SOTTO_HOME is not set)" : (store / "models").string());
}

}  // namespace sotto::cmd
