// Tables, values, comments.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/policy_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

// What a measurement is and when it changes; by name, or the beginning of one.
struct Meaning {
  std::string_view name;
  std::string_view text;
};
constexpr Meaning kMeanings[] = {
    {"mrtd", "the TD's firmware as it was loaded: changes with the firmware image"},
    {"rtmr0", "firmware settings and virtual hardware: changes with the size of the machine"},
    {"rtmr1", "boot loader and kernel"},
    {"rtmr2", "kernel's command line and initial file system"},
    {"rtmr3", "extended at run time: a node's models and configuration, and whatever else did"},
    {"mrseam", "Intel's TDX module: changes when the host updates it"},
    {"mrsignerseam", "who signed the TDX module: zero is Intel"},
    {"mrconfigid", "set by the host when the TD was made"},
    {"mrowner", "set by the host when the TD was made"},
    {"mrownerconfig", "set by the host when the TD was made"},
    {"mrservicetd", "service TDs bound to this one, such as for migration"},
    {"mrenclave", "the enclave's code and data"},
    {"mrsigner", "who signed the enclave"},
    {"measurement",
     "the guest as it was launched: firmware, and with measured boot kernel, command line and "
     "initial file system"},
    {"pcr0", "firmware"},
    {"pcr1", "firmware's configuration"},
    {"pcr2", "option ROMs"},
    {"pcr3", "configuration of option ROMs"},
    {"pcr4", "boot loader; of an enclave: the instance that started it"},
    {"pcr5", "boot loader's configuration and the partition table"},
    {"pcr7", "Secure Boot: state, keys, and who signed what was started"},
    {"pcr8", "of an enclave: who signed its image"},
    {"pcr9", "initial file system and what the kernel loaded"},
    {"pcr11", "the unified kernel image, by systemd"},
    {"pcr12", "kernel's command line and credentials, by systemd"},
    {"pcr14", "the machine owner's keys, by shim"},
    {"pcr15", "extended at run time: a node's models and configuration, and whatever else did"},
};

std::string_view meaning_of(std::string_view name) {
  const auto found = std::ranges::find(kMeanings, name, &Meaning::name);
  if (found != std::end(kMeanings)) return found->text;
  return "";
}

// A TOML basic string; evidence brings text of its own.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    const bool plain = c >= ' ' && c <= '~';
    out += plain ? std::string(1, c) : fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  }
  return out + "\"";
}

std::string list_of(const std::set<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : ", ") + quoted(value);
  return values.size() == 1 ? out : "[" + out + "]";
}

using Values = std::map<std::string, std::set<std::string>>;

void add_table(const std::string& heading, const Values& values, std::string& out) {
  if (values.empty()) return;
  out += fmt::format("\n[{}]\n", heading);
  for (const auto& [name, seen] : values) {
    const std::string_view text = meaning_of(name);
    if (!text.empty()) out += fmt::format("# {}\n", text);
    out += fmt::format("{} = {}\n", quoted(name), list_of(seen));
  }
}

void add_tcb(const std::vector<const Claims*>& all, bool has_statuses, std::string& out) {
  std::set<std::string> statuses;
  std::optional<int64_t> date;
  std::map<std::string, uint64_t> least;
  for (const Claims* claims : all) {
    if (!claims->tcb) continue;
    statuses.insert(claims->tcb->status);
    if (claims->tcb->date) date = std::min(date.value_or(*claims->tcb->date), *claims->tcb->date);
    for (const auto& [name, text] : claims->tcb->components) {
      uint64_t value = 0;
      const char* end = text.data() + text.size();
      const auto [at, error] = std::from_chars(text.data(), end, value);
      if (error != std::errc() || at != end) continue;
      const auto [slot, fresh] = least.try_emplace(name, value);
      if (!fresh) slot->second = std::min(slot->second, value);
    }
  }
  if (has_statuses && !statuses.empty()) {
    out +=
        "# what Intel says of the platform's security version; it falls behind when updates come "
        "out\n";
    out += fmt::format("tcb_statuses = {}\n", list_of(statuses));
  }
  if (date) {
    out += "# the platform's level is not older than this\n";
    out += fmt::format("tcb_date_min = {}\n", quoted(utc_time_text(*date)));
  }
  if (!least.empty()) {
    std::string floors;
    for (const auto& [name, value] : least) {
      floors += fmt::format("{}{} = {}", floors.empty() ? "" : ", ", quoted(name), value);
    }
    out += "# versions of the processor's firmware; newer ones are accepted\n";
    out += fmt::format("tcb_min = {{ {} }}\n", floors);
  }
}

void add_platform(const std::string& platform, const std::vector<const Claims*>& all,
                  std::string& out) {
  out += fmt::format("\n[{}]\n", platform);
  const bool intel = platform == "intel-tdx" || platform == "intel-sgx" || platform == "azure-tdx";
  add_tcb(all, intel, out);
  if (std::ranges::any_of(all, [](const Claims* one) { return one->debug; })) {
    out += "# IN DEBUG MODE: its host can read its memory\nallow_debug = true\n";
  }
  std::map<std::string, std::set<bool>> flags;
  Values measurements;
  for (const Claims* claims : all) {
    for (const auto& [name, value] : claims->flags) flags[name].insert(value);
    for (const auto& [name, bytes] : claims->measurements) measurements[name].insert(hex_of(bytes));
  }
  if (flags.contains("simulated")) {
    out += "# THIS PROTECTS NOTHING\nallow_simulated = true\n";
  }
  std::string pinned;
  for (const auto& [name, seen] : flags) {
    // Whether a list was at hand is about the verification, not about the machine.
    if (seen.size() != 1 || name == "revocation_checked") continue;
    pinned += fmt::format("{}{} = {}", pinned.empty() ? "" : ", ", quoted(name), *seen.begin());
  }
  if (!pinned.empty()) out += fmt::format("flags = {{ {} }}\n", pinned);
  add_table(platform + ".measurements", measurements, out);
}

}  // namespace

std::string policy_text(const std::string& name, const std::vector<Claims>& all) {
  std::map<std::string, std::vector<const Claims*>> platforms;
  for (const Claims& claims : all) platforms[claims.platform].push_back(&claims);
  std::string out = fmt::format("version = 1\nname = {}\n", quoted(name));
  for (const auto& [platform, claims] : platforms) add_platform(platform, claims, out);
  return out;
}

}  // namespace sotto::attest
