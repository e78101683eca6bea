// Extending from the first value on, and comparing.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/names.h"
#include "base/text_encoding.h"

namespace sotto::attest::event_log {
namespace {

constexpr std::string_view kStartupLocality{"StartupLocality\0", 16};
constexpr uint32_t kFirstDynamicPcr = 17, kLastDynamicPcr = 22;

// What PCR 0 begins with; only its last byte can be other than 0.
Result<uint8_t> startup_locality(const Log& log) {
  for (const Event& event : log.events) {
    if (event.type != kEvNoAction || event.data.size() != kStartupLocality.size() + 1) continue;
    if (!std::ranges::equal(event.data.first(kStartupLocality.size()),
                            as_bytes(kStartupLocality))) {
      continue;
    }
    const uint8_t locality = event.data.back();
    if (locality > 4) {
      return fail(ErrorKind::malformed, "the startup locality at offset {} is {}", event.offset,
                  locality);
    }
    return locality;
  }
  return 0;
}

bool is_uniform(const std::vector<uint8_t>& value, uint8_t byte) {
  return std::ranges::all_of(value, [byte](uint8_t one) { return one == byte; });
}

// What a register is that nothing was extended into.
bool is_untouched(uint32_t reg, const std::vector<uint8_t>& value) {
  const bool dynamic = reg >= kFirstDynamicPcr && reg <= kLastDynamicPcr;
  return is_uniform(value, 0) || (dynamic && is_uniform(value, 0xff));
}

std::string register_name(uint32_t reg, Registers registers) {
  return registers == Registers::rtmrs ? fmt::format("RTMR{}", reg - 1)
                                       : fmt::format("PCR {}", reg);
}

}  // namespace

Result<RegisterValues> replay(const Log& log, uint16_t algorithm) {
  const size_t size = TRY(hash_bytes(algorithm));
  const auto of_log = std::ranges::find(log.algorithms, algorithm, &Algorithm::id);
  if (of_log == log.algorithms.end()) {
    return fail(ErrorKind::unsupported, "the event log has no digests of {}",
                algorithm_name(algorithm));
  }
  if (of_log->digest_bytes != size) {
    return fail(ErrorKind::malformed, "the event log's digests of {} have {} bytes",
                algorithm_name(algorithm), of_log->digest_bytes);
  }
  const uint8_t locality = TRY(startup_locality(log));
  RegisterValues values;
  for (const Event& event : log.events) {
    if (event.type == kEvNoAction) continue;
    if (log.registers == Registers::pcrs && event.reg >= kFirstDynamicPcr &&
        event.reg <= kLastDynamicPcr) {
      return fail(ErrorKind::unsupported,
                  "the event at offset {} is of a dynamic launch, in PCR {}", event.offset,
                  event.reg);
    }
    const auto [at, is_first] = values.try_emplace(event.reg, size);
    if (is_first && event.reg == 0 && log.registers == Registers::pcrs)
      at->second[size - 1] = locality;
    at->second = TRY(hash(algorithm, {at->second, event.find(algorithm)->bytes}));
  }
  return values;
}

Result<void> match_registers(const RegisterValues& replayed, const RegisterValues& measured,
                             Registers registers) {
  std::vector<std::string> differing;
  for (const auto& [reg, value] : measured) {
    const auto at = replayed.find(reg);
    if (at == replayed.end() ? is_untouched(reg, value) : at->second == value) continue;
    const std::vector<uint8_t> given =
        at == replayed.end() ? std::vector<uint8_t>(value.size()) : at->second;
    differing.push_back(fmt::format("{}: the log gives {}, measured was {}",
                                    register_name(reg, registers), hex_of(given), hex_of(value)));
  }
  if (differing.empty()) return {};
  return fail(ErrorKind::untrusted, "the event log does not explain the registers: {}",
              fmt::join(differing, "; "));
}

std::vector<uint32_t> unexplained_registers(const RegisterValues& replayed,
                                            const RegisterValues& measured) {
  std::vector<uint32_t> registers;
  for (const auto& [reg, value] : measured) {
    if (!replayed.contains(reg) && !is_untouched(reg, value)) registers.push_back(reg);
  }
  return registers;
}

}  // namespace sotto::attest::event_log
