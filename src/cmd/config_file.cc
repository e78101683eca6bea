// CLI11 reads configuration files for a whole program, not for one of its commands, so this is ours.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_file.h"

#include <fmt/format.h>

#include <CLI/Error.hpp>
#include <CLI/Option.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

#include "base/toml.h"

namespace sotto::cmd {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

Result<toml::table> read_file(const std::string& path) {
  if (path.empty()) return toml::table();
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad() || (text.empty() && !file.eof())) {
    return fail(ErrorKind::unavailable, "--config {}: it cannot be read", path);
  }
  if (text.size() > kFileBytesMax) {
    return fail(ErrorKind::exhausted, "--config {}: it is larger than {} bytes", path,
                kFileBytesMax);
  }
  toml::parse_result parsed = toml::parse(text);
  if (parsed) return std::move(parsed).table();
  const toml::parse_error& error = parsed.error();
  return fail(ErrorKind::malformed, "--config {}, line {}, column {}: {}", path,
              error.source().begin.line, error.source().begin.column, error.description());
}

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return fmt::format("{}", *number);
  if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  return std::nullopt;
}

std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
  std::vector<std::string> texts;
  if (!node.is_array()) {
    const auto text = scalar_text(node);
    if (!text) return std::nullopt;
    return std::vector<std::string>{*text};
  }
  for (const toml::node& item : *node.as_array()) {
    const auto text = scalar_text(item);
    if (!text) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}

std::optional<std::vector<std::string>> texts_of_variable(const std::string& name) {
  std::string variable = "SOTTO_";
  for (const char c : name) {
    variable.push_back(c == '-' ? '_'
                                : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  std::vector<std::string> texts;
  std::istringstream rest{std::string(value)};
  for (std::string text; std::getline(rest, text, ',');) texts.push_back(text);
  return texts;
}

Result<void> give(CLI::Option& option, const std::vector<std::string>& texts,
                  const std::string& from) {
  try {
    for (const std::string& text : texts) option.add_result(text);
    option.run_callback();
  } catch (const CLI::Error& error) {
    return fail(ErrorKind::malformed, "{}: {}", from, error.what());
  }
  return {};
}

}  // namespace

Result<void> overlay_options(CLI::App& app, const std::string& path) {
  const toml::table table = TRY(read_file(path));
  const std::vector<CLI::Option*> options =
      app.get_options([](const CLI::Option* option) { return option->get_configurable(); });
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto named = [&](const CLI::Option* option) { return option->check_lname(name); };
    const std::string where =
        fmt::format("--config {}, line {}: {}", path, node.source().begin.line, name);
    if (std::none_of(options.begin(), options.end(), named)) {
      return fail(ErrorKind::malformed, "{}: there is no such option", where);
    }
    if (!texts_of(node)) return fail(ErrorKind::malformed, "{} is not a value or a list", where);
  }
  for (CLI::Option* option : options) {
    if (option->count() > 0 || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (const auto texts = texts_of_variable(name)) {
      TRY(give(*option, *texts, "the environment"));
    } else if (const toml::node* node = table.get(name)) {
      TRY(give(*option, *texts_of(*node), "--config " + path));
    }
  }
  return {};
}

std::string toml_text(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(std::string(text));
  return out.str();
}

}  // namespace sotto::cmd
