// A body that comes in chunks [RFC9112 §7.1], put together again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "base/secret_vector.h"
#include "serve/http_error.h"

namespace sotto::serve {

// Looks at one byte after the other, so that it cannot matter how they were cut. Extensions and trailer
// fields are read over: nobody here has a use for them.
class ChunkedBody {
 public:
  explicit ChunkedBody(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // How many bytes of `bytes` belong to the body: all of them until it is done().
  std::expected<size_t, HttpError> put(std::string_view bytes);
  bool done() const { return state_ == State::done; }
  SecretVector<char> take() { return std::move(data_); }

 private:
  enum class State {
    size,
    extension,
    size_end,
    data,
    data_cr,
    data_lf,
    line,
    trailer,
    trailer_end,
    end,
    done
  };

  std::expected<void, HttpError> take_digit(char byte);
  std::expected<void, HttpError> step(char byte);
  std::expected<void, HttpError> expect(char byte, char wanted, State next);

  const uint64_t bytes_max_;
  State state_ = State::size;
  uint64_t left_ = 0;      // of the chunk
  uint32_t digits_ = 0;    // of its size
  uint32_t overhead_ = 0;  // bytes of extensions and trailer fields so far
  SecretVector<char> data_;
};

}  // namespace sotto::serve
