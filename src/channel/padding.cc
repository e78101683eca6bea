// Buckets and comments.
// SPDX-License-Identifier: Apache-2.0
#include "channel/padding.h"

#include <algorithm>

namespace sotto::channel {
namespace {

constexpr uint64_t kSmallest = 512;
constexpr uint64_t kLargest = 16384;

}  // namespace

uint64_t bucket_of(uint64_t bytes) {
  uint64_t bucket = kSmallest;
  while (bucket < bytes && bucket < kLargest) bucket *= 2;
  if (bytes > kLargest) bucket = (bytes + kLargest - 1) / kLargest * kLargest;
  return bucket;
}

std::string pad_events(std::string events, Padding padding) {
  if (padding == Padding::off) return events;
  const uint64_t line = kPaddingComment.size() + 1;
  const uint64_t bucket = bucket_of(events.size() + line);
  // In front, where it ends no event.
  std::string padded(kPaddingComment);
  padded.append(bucket - events.size() - line, '.');
  padded += '\n';
  padded += events;
  return padded;
}

std::string without_padding(std::string_view stream) {
  std::string out;
  while (!stream.empty()) {
    const size_t end = stream.find('\n');
    const std::string_view line =
        stream.substr(0, end == std::string_view::npos ? stream.size() : end + 1);
    if (!line.starts_with(kPaddingComment)) out += line;
    stream.remove_prefix(line.size());
  }
  return out;
}

}  // namespace sotto::channel
