// The functions that a request lets the model call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "api/fields.h"

namespace sotto::api {

inline constexpr size_t kToolsMax = 128;
inline constexpr size_t kToolNameMax = 64;

enum class ToolChoice {
  none,       // it must not call
  automatic,  // it may
  required,   // it has to
};

struct Tools {
  // As chat templates read them: {"type": "function", "function": {"name", "description", "parameters"}}.
  boost::json::array list;
  std::vector<bool> strict;  // of each
  ToolChoice choice = ToolChoice::automatic;
  std::string only;      // with `required`: the one to call; empty for any
  bool parallel = true;  // several calls in one answer

  // Whether the answer may have calls in it.
  bool any() const { return !list.empty() && choice != ToolChoice::none; }
};

// How the two APIs spell a function.
enum class ToolStyle {
  chat,       // {"type": "function", "function": {"name", …}}
  responses,  // {"type": "function", "name", …}
};

// tools, tool_choice and parallel_tool_calls.
ApiResult<Tools> read_tools(Fields& fields, ToolStyle style);

}  // namespace sotto::api
