// Making messages of different lengths look alike [channel §5].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sotto::channel {

enum class Padding : uint8_t {
  off,
  bucket,   // every piece fills its bucket
  cadence,  // and pieces go at fixed times, whether there is something to say or not
};

// The smallest bucket that holds so many bytes: 512 times a power of two, up to 16384; above that a
// multiple of 16384.
uint64_t bucket_of(uint64_t bytes);

// Events as a piece of a stream, filled up with a comment line that clients of server-sent events pass
// over [SSE §9.2.6], so that the whole has the size of a bucket.
inline constexpr std::string_view kPaddingComment = ":pad";
std::string pad_events(std::string events, Padding padding);
// The stream without such lines, as its receipt has it. Works on any cut of a stream into lines.
std::string without_padding(std::string_view stream);

}  // namespace sotto::channel
