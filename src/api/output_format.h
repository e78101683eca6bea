// What an answer has to look like, and how long the model may think before it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "api/fields.h"

namespace sotto::api {

inline constexpr size_t kGrammarBytesMax = 64 << 10;

struct OutputFormat {
  enum class Kind {
    text,         // anything
    json_object,  // any JSON object
    json_schema,  // JSON that `schema` describes
    grammar,      // text of `grammar`, in GBNF
  };
  Kind kind = Kind::text;
  boost::json::value schema;
  std::string grammar;
};

// {"type": "text" | "json_object" | "json_schema", …}: the schema stands in an object of its own in
// `response_format` of chats, and beside the type in `text.format` of responses.
ApiResult<OutputFormat> read_output_format(Fields& fields, std::string_view field,
                                           bool schema_inside);
// The field `grammar`, which excludes any other format.
ApiResult<void> read_grammar(Fields& fields, OutputFormat& format);

struct Reasoning {
  std::optional<uint32_t> tokens_max;  // then </think> is put there; none: no bound
  bool off = false;                    // templates that can are told not to ask for any
  std::string effort;                  // as the request has it
};

// `effort` is none, minimal, low, medium, high or xhigh [docs/reference/api.md].
ApiResult<Reasoning> read_effort(Fields& fields, std::string_view field);

}  // namespace sotto::api
