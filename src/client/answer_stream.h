// An answer's content as it comes out of the channel: padding and receipt are taken out of it, and both are
// held to what the node signed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret_vector.h"
#include "channel/receipt.h"

namespace sotto::client {

// One answer, in order. Server-sent events are worked on line by line; anything else passes as it is.
class AnswerStream {
 public:
  AnswerStream(bool events, Bytes salt)
      : events_(events), digest_(channel::Direction::response, salt) {}

  // What the caller may have of these bytes.
  SecretVector<char> feed(std::string_view bytes);
  // What is left at the end: a last line without its end.
  SecretVector<char> finish();

  // The token of the receipt's line; empty when there was none.
  const std::string& receipt() const { return receipt_; }
  crypto::Sha256Digest digest() { return digest_.finish(); }

 private:
  void take_line(std::string_view line, SecretVector<char>& out);

  const bool events_;
  channel::SaltedDigest digest_;
  SecretVector<char> line_;
  std::string receipt_;
  bool after_receipt_ = false;  // the empty line behind it goes with it
};

}  // namespace sotto::client
