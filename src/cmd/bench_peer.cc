// The peer's command line, and the one line of its output that matters.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/bench_peer.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "cmd/options.h"
#include "cmd/shell_command.h"

namespace sotto::cmd {
namespace {

constexpr std::string_view kPromptField = "prompt_tokens_per_second";
constexpr std::string_view kGenerateField = "generate_tokens_per_second";

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::optional<boost::json::object> object_of(std::string_view line) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(line, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

Result<double> rate_of(const boost::json::object& object, std::string_view field, bool needed) {
  if (!needed) return 0;
  const boost::json::value* value = object.if_contains(field);
  boost::system::error_code error;
  const double rate = value == nullptr ? 0 : value->to_number<double>(error);
  if (value != nullptr && !error && std::isfinite(rate) && rate > 0) return rate;
  return fail(ErrorKind::malformed, "the peer's {} is {}", field,
              value == nullptr ? "missing" : "not a number above zero");
}

}  // namespace

std::string expand_peer_command(std::string_view command, const PeerSettings& settings) {
  const std::pair<std::string_view, std::string> words[] = {
      {"{prompt}", std::to_string(settings.load.prompt)},
      {"{generate}", std::to_string(settings.load.generate)},
      {"{parallel}", std::to_string(settings.load.parallel)},
      {"{threads}", std::to_string(settings.threads)},
      {"{kv}", kv_name(settings.load.kv_type)},
      {"{model}", shell_quote(settings.model)},  // last: a path may hold braces
  };
  std::string expanded(command);
  for (const auto& [from, to] : words) replace_all(expanded, from, to);
  return expanded;
}

Result<Rates> parse_peer_output(std::string_view output, const BenchLoad& load) {
  std::optional<boost::json::object> found;
  while (!output.empty() && !found) {
    const size_t newline = output.find_last_of('\n');
    const std::string_view line =
        newline == std::string_view::npos ? output : output.substr(newline + 1);
    output = output.substr(0, newline == std::string_view::npos ? 0 : newline);
    found = object_of(line);
    if (found && !found->contains(kPromptField) && !found->contains(kGenerateField)) found.reset();
  }
  if (!found) {
    return fail(ErrorKind::malformed, "the peer printed no line of JSON with {} and {}",
                kPromptField, kGenerateField);
  }
  return Rates{.prompt = TRY(rate_of(*found, kPromptField, load.prompt > 0)),
               .generate = TRY(rate_of(*found, kGenerateField, load.generate > 0))};
}

Result<Rates> run_peer(const std::string& command, const BenchLoad& load,
                       std::chrono::seconds limit) {
  return parse_peer_output(TRY(run_shell_command(command, limit)), load);
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {values.front(), median(values), values.back()};
}

}  // namespace sotto::cmd
