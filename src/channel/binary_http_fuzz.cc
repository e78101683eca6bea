// Any bytes as a binary HTTP request and as a response in pieces, and as a padded stream.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "channel/binary_http.h"
#include "channel/padding.h"

namespace {

using namespace sotto;
using namespace sotto::channel;

// What a reader makes of it in pieces of this size; a fixed text when it refuses.
std::string read(Bytes bytes, size_t piece) {
  BinaryResponseReader reader(1 << 16);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)))) return "refused";
    const Secret content = reader.take_content();
    out += as_text(content);
  }
  if (!reader.finish()) return "refused";
  return fmt::format("{} {} {}", reader.status(), reader.fields().size(), out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  if (const auto request = decode_request(bytes, 1 << 16)) {
    const auto again = decode_request(encode(*request), 1 << 16);
    CHECK(again && again->path == request->path && again->fields == request->fields &&
          again->content == request->content);
  }
  if (size < 4096) CHECK(read(bytes, 1) == read(bytes, size + 1));
  const std::string events(as_text(bytes));
  if (events.find(kPaddingComment) == std::string::npos) {
    CHECK(without_padding(pad_events(events, Padding::bucket)) == events);
  }
  return 0;
}
