// The bundled model's file, built into the program's read-only data.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "cmd/model_source.h"

// 64 bytes: what the program's own loader aligns tensors to. The file's name comes from the build.
asm(".section .rodata.sotto_demo_model, \"a\", @progbits\n"
    ".balign 64\n"
    "sotto_demo_model_begin:\n"
    ".incbin \"" SOTTO_DEMO_MODEL_FILE
    "\"\n"
    "sotto_demo_model_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const uint8_t sotto_demo_model_begin[];
extern const uint8_t sotto_demo_model_end[];
}

namespace sotto::cmd {

Bytes demo_model_file() {
  return {sotto_demo_model_begin, sotto_demo_model_end};
}

}  // namespace sotto::cmd
