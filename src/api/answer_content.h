// What an answer says, apart from ids, times and how it was cut into pieces: for comparing two of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sotto::api {

inline constexpr uint64_t kAnswerBytesMax = 256 << 20;

// One choice; of embeddings `content` is the vector as JSON.
struct AnswerContent {
  std::string content;
  std::string reasoning;
  std::vector<std::string> calls;  // name, a space, arguments
  std::string finish_reason;       // as the endpoint words it

  bool operator==(const AnswerContent&) const = default;
};

// In the choices' order. The body of a chat, response, completion or embeddings answer, as JSON or as
// events. `malformed` for anything else, errors included.
Result<std::vector<AnswerContent>> answer_content(std::string_view body);

}  // namespace sotto::api
