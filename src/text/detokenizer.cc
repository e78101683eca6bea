// Streams tokens as text, holding back what may yet become a character.
// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace sotto::text {

std::string Detokenizer::push(TokenId id) {
  const std::string token = tokenizer_->token_bytes(id, with_special_);
  std::string_view bytes = token;
  if (first_ && !bytes.empty() && !tokenizer_->is_marker(id)) {
    first_ = false;
    if (tokenizer_->adds_space_prefix() && bytes.starts_with(' ')) bytes.remove_prefix(1);
  }
  held_.append(bytes);

  std::string text;
  std::string_view rest = held_;
  while (!rest.empty()) {
    const size_t valid = valid_utf8_prefix(rest);
    text.append(rest.substr(0, valid));
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    const Utf8Sequence next = next_utf8(rest);
    if (next.state == Utf8Sequence::State::unfinished) break;
    text.append(kReplacementCharacter);
    rest.remove_prefix(next.bytes);
  }
  held_.erase(0, held_.size() - rest.size());
  return text;
}

std::string Detokenizer::finish() {
  const std::string text = make_valid_utf8(held_);
  held_.clear();
  return text;
}

}  // namespace sotto::text
