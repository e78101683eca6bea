// Chat templates: the GGUF's own Jinja2 in a sandbox with bounds, keeping track of who said what.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace sotto::text {

struct ChatInput {
  boost::json::value messages;  // an array of {"role", "content", …}, as in OpenAI's API
  boost::json::value tools;     // null or an array
  bool add_generation_prompt = true;
  std::string bos_token;
  std::string eos_token;
  // Further variables that a template may read, such as {"enable_thinking": false}.
  boost::json::object extra;
  // What strftime_now() shows; the caller's choice, so that a receipt can be replayed. Broken-down
  // local time as the template should see it.
  std::tm now{};
};

struct TemplateLimits {
  uint64_t steps_max = 5'000'000;         // evaluated nodes, visited items, 16 bytes of text
  uint64_t value_bytes_max = 256u << 20;  // of all values made during a rendering
  uint64_t output_bytes_max = 16u << 20;
  uint32_t depth_max = 128;  // nesting of blocks and expressions; 8 × that while running
  uint64_t source_bytes_max = 1u << 20;
};

// Immutable after parsing; render() may be called from any thread.
class ChatTemplate {
 public:
  static Result<ChatTemplate> parse(std::string_view source, const TemplateLimits& limits = {});
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // The prompt as runs: `trusted` is text that the template's source (or bos_token and eos_token)
  // spelled out, everything that came through messages, tools or extra is not. Runs that touch and
  // have the same trust are merged; none is empty. raise_exception's message becomes a `denied`
  // error, as it stands; every other failure is `malformed`, `unsupported` or (a bound)
  // `exhausted`.
  Result<std::vector<TextRun>> render(const ChatInput& input) const;

  struct Program;

 private:
  explicit ChatTemplate(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

// Joined text of the runs.
std::string join(const std::vector<TextRun>& runs);

}  // namespace sotto::text
