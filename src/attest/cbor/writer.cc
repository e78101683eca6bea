// Writing CBOR with libcbor's encoders of single heads.
// SPDX-License-Identifier: Apache-2.0
#include "attest/cbor/writer.h"

#include <cbor.h>

#include "base/check.h"

namespace sotto::attest::cbor {
namespace {

constexpr size_t kHeadBytesMax = 9;

}  // namespace

void Writer::head(size_t (*encode)(size_t, unsigned char*, size_t), uint64_t number) {
  uint8_t raw[kHeadBytesMax];
  const size_t bytes = encode(number, raw, sizeof(raw));
  CHECK(bytes != 0);
  out_.insert(out_.end(), raw, raw + bytes);
}

void Writer::integer(int64_t value) {
  uint8_t raw[kHeadBytesMax];
  const size_t bytes =
      value >= 0 ? cbor_encode_uint(static_cast<uint64_t>(value), raw, sizeof(raw))
                 : cbor_encode_negint(static_cast<uint64_t>(-1 - value), raw, sizeof(raw));
  CHECK(bytes != 0);
  out_.insert(out_.end(), raw, raw + bytes);
}

void Writer::bytes(Bytes content) {
  head(cbor_encode_bytestring_start, content.size());
  out_.insert(out_.end(), content.begin(), content.end());
}

void Writer::text(std::string_view content) {
  head(cbor_encode_string_start, content.size());
  out_.insert(out_.end(), content.begin(), content.end());
}

void Writer::array(uint64_t items) {
  head(cbor_encode_array_start, items);
}
void Writer::map(uint64_t pairs) {
  head(cbor_encode_map_start, pairs);
}
void Writer::indefinite_map() {
  out_.push_back(0xbf);
}
void Writer::end() {
  out_.push_back(0xff);
}
void Writer::null() {
  out_.push_back(0xf6);
}

}  // namespace sotto::attest::cbor
