// Formats and tools as grammars.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "api/output_format.h"
#include "api/tools.h"
#include "text/grammar.h"
#include "text/tool_calls.h"

namespace sotto::api {

// Of the whole answer. `param` names the format for errors; the format is not text.
ApiResult<text::Grammar> format_grammar(const OutputFormat& format, const std::string& param);

// One call in a model's own notation: `lead`, a text of call_grammar(), `tail`.
struct CallNotation {
  std::string lead, tail;
  // Where a model calls of its own accord: after this marker comes a text of the grammar, then `call_tail`.
  // Empty where calls have no markers.
  std::string trigger, call_tail;
};
CallNotation call_notation(text::ToolFormat format);

// Arguments are held to each tool's parameters; where those cannot be kept they are some object, unless
// the tool is strict: then that is an error.
ApiResult<text::Grammar> call_grammar(const Tools& tools, text::ToolFormat format);

}  // namespace sotto::api
