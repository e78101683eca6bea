// Choosing the instruction set, once, by what the processor and its system offer.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/dispatch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "base/check.h"

namespace sotto::kernels {
namespace {

struct Level {
  Isa isa;
  const char* name;
};
constexpr Level kLevels[] = {
    {Isa::scalar, "scalar"}, {Isa::avx2, "avx2"}, {Isa::avx512, "avx512"}, {Isa::amx, "amx"}};

// Linux gives a process the 8 KiB of tiles only when asked, once for all its threads; asking again
// changes nothing. Kernels before 5.16 know no such request, and then there are no tiles.
bool system_permits_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool supported(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
    case Isa::avx512:
      // __builtin_cpu_supports also asks whether the system saves the wide registers.
      return supported(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") &&
             __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("gfni");
    case Isa::amx:
      return supported(Isa::avx512) && __builtin_cpu_supports("amx-tile") &&
             __builtin_cpu_supports("amx-int8") && system_permits_tiles();
  }
  return false;
}

Kernels make_kernels(Isa isa) {
  CHECK(supported(isa));
  Kernels kernels{};
  add_scalar(kernels);
  if (isa >= Isa::avx2) add_avx2(kernels);
  if (isa >= Isa::avx512) add_avx512(kernels);
  if (isa >= Isa::amx) add_amx(kernels);
  return kernels;
}

std::vector<Isa> supported_levels() {
  std::vector<Isa> levels;
  for (const Level& level : kLevels) {
    if (supported(level.isa)) levels.push_back(level.isa);
  }
  return levels;
}

Result<Isa> choose_isa(const std::string& name) {
  if (name.empty() || name == "auto") return supported_levels().back();
  for (const Level& level : kLevels) {
    if (name != level.name) continue;
    if (supported(level.isa)) return level.isa;
    return fail(ErrorKind::unsupported, "SOTTO_ISA={}: this machine has no {}", name, name);
  }
  return fail(ErrorKind::unsupported,
              "SOTTO_ISA={}: known levels are auto, scalar, avx2, avx512, amx", name);
}

Result<Isa> isa_from_environment() {
  const char* name = std::getenv("SOTTO_ISA");
  return choose_isa(name == nullptr ? "" : name);
}

}  // namespace sotto::kernels
