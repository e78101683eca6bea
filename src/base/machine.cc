// Facts from /proc.
// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include <charconv>
#include <fstream>
#include <string_view>

namespace sotto {
namespace {

// The value of the first line `name: value` of a file; empty when there is none.
std::string first_value(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const size_t colon = line.find(':');
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    if (colon != std::string::npos && value != std::string::npos) return line.substr(value);
  }
  return {};
}

}  // namespace

std::string processor_name() {
  return first_value("/proc/cpuinfo", "model name");
}

uint64_t memory_peak_bytes() {
  const std::string value = first_value("/proc/self/status", "VmHWM");  // "1234 kB"
  uint64_t kilobytes = 0;
  std::from_chars(value.data(), value.data() + value.size(), kilobytes);
  return kilobytes * 1024;
}

}  // namespace sotto
