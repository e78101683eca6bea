// What a measurement must say about the machine and the process it ran in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sotto {

// "AMD EPYC 9654 96-Core Processor"; empty where the system does not say.
std::string processor_name();

// The largest resident size this process has had; 0 where the system does not say.
uint64_t memory_peak_bytes();

}  // namespace sotto
