// HTTP messages as bytes: what Oblivious HTTP carries [RFC9292].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/hkdf.h"

namespace sotto::channel {

using Fields = std::vector<std::pair<std::string, std::string>>;  // names in lower case
using crypto::Secret;

inline constexpr uint64_t kControlBytesMax = 16 << 10;  // method, path and the like together
inline constexpr size_t kFieldsMax = 128;
inline constexpr uint64_t kFieldBytesMax = 64 << 10;  // of all fields of a section

struct BinaryRequest {
  std::string method;     // "POST"
  std::string scheme;     // "https"
  std::string authority;  // may be empty
  std::string path;       // "/v1/models?x"
  Fields fields;
  Secret content;
};

// Known-length form [RFC9292 §3.1].
Secret encode(const BinaryRequest& request);
// Either form; parts at the end that are empty may be missing, zeros may follow [RFC9292 §3.8].
// `malformed` for anything else, for names that are not lower case and values with line ends;
// `exhausted` beyond the limits above and `content_max`. Trailers are refused: nobody here has a use
// for them.
Result<BinaryRequest> decode_request(Bytes bytes, uint64_t content_max);

// A response in indeterminate-length form [RFC9292 §3.2], in pieces: head, any number of contents, end.
std::vector<uint8_t> encode_head(uint32_t status, const Fields& fields);
// One content chunk; nothing for no bytes, which would be the end.
std::vector<uint8_t> encode_content(std::string_view content);
// The end of content and trailers, then `padding` zeros.
std::vector<uint8_t> encode_end(size_t padding);

// Reads a response in either form as its bytes come in.
class BinaryResponseReader {
 public:
  explicit BinaryResponseReader(uint64_t content_max) : content_max_(content_max) {}

  // `malformed`, `exhausted`: nothing more can be read.
  Result<void> feed(Bytes bytes);
  // After the last byte: `malformed` in the middle of something.
  Result<void> finish();

  bool has_head() const { return has_head_; }
  uint32_t status() const { return status_; }
  const Fields& fields() const { return fields_; }
  // What came since the last call.
  Secret take_content();

 private:
  enum class State : uint8_t { head, content, trailers, padding };
  Result<bool> step();  // false: more bytes are needed
  Result<bool> read_head();
  Result<bool> read_content();
  Result<bool> read_trailers();
  Result<void> add_content(Bytes bytes);

  const uint64_t content_max_;
  State state_ = State::head;
  bool known_length_ = false;
  bool has_head_ = false;
  uint32_t status_ = 0;
  Fields fields_;
  Secret pending_;  // not understood yet
  Secret content_;
  uint64_t content_seen_ = 0;
  uint64_t chunk_left_ = 0;  // of the content chunk that is being read
  bool in_chunk_ = false;
};

}  // namespace sotto::channel
