// Pairs of events in PCR 11.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/uki.h"

#include <algorithm>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/names.h"

namespace sotto::attest::event_log {
namespace {

constexpr size_t kNameMax = 16;

// The ASCII of a section's name in UTF-16LE with one NUL; empty for other data.
std::string section_name(Bytes data) {
  if (data.size() < 6 || data.size() > 2 * kNameMax || data.size() % 2 != 0) return {};
  std::string name;
  for (size_t i = 0; i < data.size(); i += 2) {
    if (data[i + 1] != 0) return {};
    name += static_cast<char>(data[i]);
  }
  if (name.front() != '.' || name.find('\0') != name.size() - 1) return {};
  name.pop_back();
  return name;
}

}  // namespace

Result<std::vector<UkiSection>> uki_sections(const Log& log, uint16_t algorithm) {
  std::vector<UkiSection> sections;
  const Event* name_event = nullptr;
  for (const Event& event : log.events) {
    if (event.reg != kPcrKernelBoot || event.type != kEvIpl) continue;
    const std::string name = section_name(event.data);
    if (name.empty()) continue;
    const Digest* digest = event.find(algorithm);
    if (digest == nullptr) {
      return fail(ErrorKind::unsupported, "the event log has no digests of {}",
                  algorithm_name(algorithm));
    }
    if (name_event == nullptr) {
      const std::string measured = name + '\0';
      if (TRY(hash(algorithm, {as_bytes(measured)})) !=
          std::vector<uint8_t>(digest->bytes.begin(), digest->bytes.end())) {
        return fail(ErrorKind::malformed,
                    "the event at offset {} is not the measurement of the section name {}",
                    event.offset, name);
      }
      name_event = &event;
      continue;
    }
    if (!std::ranges::equal(name_event->data, event.data)) {
      return fail(ErrorKind::malformed, "the section name at offset {} has no contents after it",
                  name_event->offset);
    }
    sections.push_back({name, {digest->bytes.begin(), digest->bytes.end()}});
    name_event = nullptr;
  }
  if (name_event != nullptr) {
    return fail(ErrorKind::malformed, "the section name at offset {} has no contents after it",
                name_event->offset);
  }
  return sections;
}

}  // namespace sotto::attest::event_log
