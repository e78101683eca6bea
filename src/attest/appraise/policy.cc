// Reading policies.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/policy.h"

#include <fmt/format.h>

#include <functional>

#include "base/check.h"
#include "base/text_encoding.h"
#include "base/toml.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

constexpr int64_t kVersion = 1;

std::unexpected<Error> wrong(const toml::node& node, std::string_view name,
                             std::string_view wanted) {
  return fail(ErrorKind::malformed, "policy, line {}: {} is no {}", node.source().begin.line, name,
              wanted);
}

Result<const toml::table*> table_of(const toml::node& node, std::string_view name) {
  if (!node.is_table()) return wrong(node, name, "table");
  return node.as_table();
}

Result<std::string> text_of(const toml::node& node, std::string_view name) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  return wrong(node, name, "text");
}

Result<bool> bool_of(const toml::node& node, std::string_view name) {
  if (const auto value = node.value_exact<bool>()) return *value;
  return wrong(node, name, "true or false");
}

Result<int64_t> number_of(const toml::node& node, std::string_view name) {
  const auto value = node.value_exact<int64_t>();
  if (value && *value >= 0) return *value;
  return wrong(node, name, "number from 0 on");
}

Result<std::vector<uint8_t>> bytes_of(const toml::node& node, std::string_view name) {
  Result<std::vector<uint8_t>> bytes = bytes_of_hex(TRY(text_of(node, name)));
  if (!bytes || bytes->empty()) return wrong(node, name, "hexadecimal text");
  return bytes;
}

Result<int64_t> time_of(const toml::node& node, std::string_view name) {
  Result<int64_t> time = parse_utc_time(TRY(text_of(node, name)));
  if (!time) return wrong(node, name, "time like \"2025-06-19T10:16:03Z\"");
  return time;
}

// One value, or a list of at least one.
template <class T>
Result<std::vector<T>> list_of(const toml::node& node, std::string_view name,
                               Result<T> (*read)(const toml::node&, std::string_view)) {
  std::vector<T> list;
  if (!node.is_array()) {
    list.push_back(TRY(read(node, name)));
    return list;
  }
  for (const toml::node& item : *node.as_array()) list.push_back(TRY(read(item, name)));
  if (list.empty()) return wrong(node, name, "list of at least one");
  return list;
}

// Every entry of a table by its own name.
template <class T>
Result<std::map<std::string, T>> map_of(
    const toml::node& node, std::string_view name,
    const std::function<Result<T>(const toml::node&, std::string_view)>& read) {
  std::map<std::string, T> map;
  for (const auto& [key, value] : *TRY(table_of(node, name))) {
    map.emplace(key.str(), TRY(read(value, key.str())));
  }
  return map;
}

Result<void> read_field(std::string_view name, const toml::node& node, PlatformPolicy& policy) {
  const auto bytes_list = [](const toml::node& value, std::string_view key) {
    return list_of<std::vector<uint8_t>>(value, key, bytes_of);
  };
  const auto text_list = [](const toml::node& value, std::string_view key) {
    return list_of<std::string>(value, key, text_of);
  };
  if (name == "tcb_statuses") {
    policy.tcb_statuses = TRY(text_list(node, name));
  } else if (name == "tcb_min") {
    const auto floors = TRY(map_of<int64_t>(node, name, number_of));
    policy.tcb_min = {floors.begin(), floors.end()};
  } else if (name == "tcb_date_min") {
    policy.tcb_date_min = TRY(time_of(node, name));
  } else if (name == "advisories_refused") {
    policy.advisories_refused = TRY(text_list(node, name));
  } else if (name == "allow_debug") {
    policy.allow_debug = TRY(bool_of(node, name));
  } else if (name == "allow_simulated") {
    policy.allow_simulated = TRY(bool_of(node, name));
  } else if (name == "evidence_age_max_seconds") {
    policy.evidence_age_max = TRY(number_of(node, name));
  } else if (name == "report_data") {
    policy.report_data = TRY(bytes_of(node, name));
  } else if (name == "needed_measurements") {
    policy.needed_measurements = TRY(text_list(node, name));
  } else if (name == "measurements") {
    policy.measurements = TRY(map_of<std::vector<std::vector<uint8_t>>>(node, name, bytes_list));
  } else if (name == "values") {
    policy.values = TRY(map_of<std::vector<std::vector<uint8_t>>>(node, name, bytes_list));
  } else if (name == "notes") {
    policy.notes = TRY(map_of<std::vector<std::string>>(node, name, text_list));
  } else if (name == "flags") {
    policy.flags = TRY(map_of<bool>(node, name, bool_of));
  } else {
    return fail(ErrorKind::malformed, "policy, line {}: {} is not known", node.source().begin.line,
                name);
  }
  return {};
}

Result<PlatformPolicy> read_platform(std::string_view platform, const toml::table& table) {
  PlatformPolicy policy;
  for (const auto& [key, value] : table) TRY(read_field(key.str(), value, policy));
  const bool has_statuses = platform == "intel-tdx" || platform == "intel-sgx";
  if (has_statuses && policy.tcb_statuses.empty()) {
    return fail(ErrorKind::malformed, "policy, line {}: {} needs tcb_statuses",
                table.source().begin.line, platform);
  }
  return policy;
}

Result<StatementPolicy> read_statement(const toml::table& table) {
  StatementPolicy policy;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    if (name == "measured") {
      policy.measured = TRY(bool_of(node, name));
      continue;
    }
    std::vector<std::vector<uint8_t>>* list = name == "models"           ? &policy.models
                                              : name == "configurations" ? &policy.configurations
                                              : name == "programs"       ? &policy.programs
                                                                         : nullptr;
    if (list == nullptr) {
      return fail(ErrorKind::malformed, "policy, line {}: {} is not known",
                  node.source().begin.line, name);
    }
    *list = TRY(list_of<std::vector<uint8_t>>(node, name, bytes_of));
  }
  return policy;
}

}  // namespace

Result<Policy> parse_policy(std::string_view text) {
  if (text.size() > kPolicyBytesMax) {
    return fail(ErrorKind::exhausted, "a policy of {} bytes; at most {}", text.size(),
                kPolicyBytesMax);
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(ErrorKind::malformed, "policy, line {}, column {}: {}", error.source().begin.line,
                error.source().begin.column, error.description());
  }
  const toml::table& table = parsed.table();
  Policy policy;
  bool has_version = false;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (name == "version") {
      if (TRY(number_of(node, name)) != kVersion) return wrong(node, name, "1");
      has_version = true;
    } else if (name == "name") {
      policy.name = TRY(text_of(node, name));
    } else if (name == "statement") {
      policy.statement = TRY(read_statement(*TRY(table_of(node, name))));
    } else {
      policy.platforms[name] = TRY(read_platform(name, *TRY(table_of(node, name))));
    }
  }
  if (!has_version) return fail(ErrorKind::malformed, "policy: version = 1 is missing");
  if (policy.platforms.empty()) return fail(ErrorKind::malformed, "policy: no platform");
  return policy;
}

const std::string& default_policy_text() {
  static const std::string kText = R"(version = 1
name = "default"

[intel-tdx]
tcb_statuses = ["UpToDate", "SWHardeningNeeded"]
flags = { migratable = false }

[intel-sgx]
tcb_statuses = ["UpToDate", "SWHardeningNeeded"]

[amd-sev-snp]
flags = { migratable = false }
notes = { vmpl = ["0", "1"] }

[azure-tdx]
tcb_statuses = ["UpToDate", "SWHardeningNeeded"]
flags = { migratable = false, secure_boot = true, tpm_enabled = true }

[azure-sev-snp]
flags = { migratable = false, secure_boot = true, tpm_enabled = true }
notes = { vmpl = ["0", "1"] }

# These say what ran, and protect no memory by themselves.
[aws-nitro]
[aws-nitrotpm]
[tpm]
[azure-instance]
[google-firmware]

[nvidia-gpu]
[nvidia-switch]
)";
  return kText;
}

Policy default_policy() {
  Result<Policy> policy = parse_policy(default_policy_text());
  CHECK(policy);  // it is part of the program
  return std::move(*policy);
}

}  // namespace sotto::attest
