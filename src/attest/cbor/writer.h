// Writing CBOR [RFC8949 §3]: each call appends one head in its shortest form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::cbor {

// That arrays and maps are followed by as many items as announced is the caller's to see to.
class Writer {
 public:
  void integer(int64_t value);
  void bytes(Bytes content);
  void text(std::string_view content);
  void array(uint64_t items);
  void map(uint64_t pairs);
  void indefinite_map();  // ends with end()
  void end();
  void null();

  const std::vector<uint8_t>& written() const { return out_; }

 private:
  void head(size_t (*encode)(size_t, unsigned char*, size_t), uint64_t number);

  std::vector<uint8_t> out_;
};

}  // namespace sotto::attest::cbor
