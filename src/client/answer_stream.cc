// Working on an answer line by line.
// SPDX-License-Identifier: Apache-2.0
#include "client/answer_stream.h"

#include "channel/padding.h"

namespace sotto::client {

void AnswerStream::take_line(std::string_view line, SecretVector<char>& out) {
  if (line.starts_with(channel::kPaddingComment)) return;
  if (line.starts_with(channel::kReceiptComment) && receipt_.empty()) {
    receipt_ = line.substr(channel::kReceiptComment.size());
    while (!receipt_.empty() && receipt_.back() == '\n') receipt_.pop_back();
    after_receipt_ = true;
    return;
  }
  const bool dropped = after_receipt_ && line == "\n";
  after_receipt_ = false;
  if (dropped) return;
  digest_.update(line);
  out.insert(out.end(), line.begin(), line.end());
}

SecretVector<char> AnswerStream::feed(std::string_view bytes) {
  SecretVector<char> out;
  if (!events_) {
    digest_.update(bytes);
    out.assign(bytes.begin(), bytes.end());
    return out;
  }
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part =
        bytes.substr(0, end == std::string_view::npos ? bytes.size() : end + 1);
    line_.insert(line_.end(), part.begin(), part.end());
    bytes.remove_prefix(part.size());
    if (end == std::string_view::npos) break;
    take_line({line_.data(), line_.size()}, out);
    line_.clear();
  }
  return out;
}

SecretVector<char> AnswerStream::finish() {
  SecretVector<char> out;
  if (!line_.empty()) take_line({line_.data(), line_.size()}, out);
  line_.clear();
  return out;
}

}  // namespace sotto::client
