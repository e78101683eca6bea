// The state machine.
// SPDX-License-Identifier: Apache-2.0
#include "serve/chunked_body.h"

#include <algorithm>

namespace sotto::serve {
namespace {

constexpr uint32_t kDigitsMax = 8;               // of a size: 4 GB
constexpr uint32_t kOverheadBytesMax = 8 << 10;  // of all extensions and trailer fields together

std::unexpected<HttpError> bad(const char* what) {
  return std::unexpected(HttpError{400, what});
}

int digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const char lower = static_cast<char>(byte | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::expected<void, HttpError> ChunkedBody::expect(char byte, char wanted, State next) {
  if (byte != wanted) return bad("a chunk of the body does not end where it should");
  state_ = next;
  return {};
}

std::expected<void, HttpError> ChunkedBody::take_digit(char byte) {
  if (const int value = digit(byte); value >= 0) {
    if (++digits_ > kDigitsMax) return bad("a chunk's size has too many digits");
    left_ = 16 * left_ + static_cast<uint64_t>(value);
    return {};
  }
  if (digits_ == 0) return bad("a chunk of the body has no size");
  if (left_ > bytes_max_ - data_.size())
    return std::unexpected(HttpError{413, "the body is too large"});
  if (byte == '\r') {
    state_ = State::size_end;
  } else if (byte == ';' || byte == ' ' || byte == '\t') {
    state_ = State::extension;
  } else {
    return bad("a chunk's size is not a hexadecimal number");
  }
  return {};
}

// One byte, but for those of the data.
std::expected<void, HttpError> ChunkedBody::step(char byte) {
  const bool skipped = state_ == State::extension || state_ == State::trailer;
  if (skipped && ++overhead_ > kOverheadBytesMax) {
    return bad("the body has too many extensions or trailer fields");
  }
  if (skipped && byte == '\n') return bad("a line of the body ends without CR");
  switch (state_) {
    case State::size:
      return take_digit(byte);
    case State::extension:
      if (byte == '\r') state_ = State::size_end;
      return {};
    case State::size_end:
      digits_ = 0;
      return expect(byte, '\n', left_ > 0 ? State::data : State::line);
    case State::data_cr:
      return expect(byte, '\r', State::data_lf);
    case State::data_lf:
      return expect(byte, '\n', State::size);
    case State::line:  // a trailer field or the empty line that ends all
      state_ = byte == '\r' ? State::end : State::trailer;
      return byte == '\n'
                 ? std::expected<void, HttpError>(bad("a line of the body ends without CR"))
                 : std::expected<void, HttpError>();
    case State::trailer:
      if (byte == '\r') state_ = State::trailer_end;
      return {};
    case State::trailer_end:
      return expect(byte, '\n', State::line);
    case State::end:
      return expect(byte, '\n', State::done);
    case State::data:
    case State::done:
      break;
  }
  return {};
}

std::expected<size_t, HttpError> ChunkedBody::put(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size() && !done()) {
    if (state_ != State::data) {
      if (auto stepped = step(bytes[at++]); !stepped) return std::unexpected(stepped.error());
      continue;
    }
    const auto count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - at));
    data_.insert(data_.end(), bytes.begin() + static_cast<int64_t>(at),
                 bytes.begin() + static_cast<int64_t>(at + count));
    left_ -= count;
    at += count;
    if (left_ == 0) state_ = State::data_cr;
  }
  return at;
}

}  // namespace sotto::serve
