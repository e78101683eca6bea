// How names and values stand in a GGUF file, for whatever writes or hashes them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "gguf/file.h"

namespace sotto::gguf {

// A length of 8 bytes, then the text.
void append_string(ByteWriter& out, std::string_view text);

// One key-value pair as it stands in a file of version 2 or 3: key, value type, value.
void append_entry(ByteWriter& out, const Metadata::Entry& entry);

}  // namespace sotto::gguf
