// Server-sent events as OpenAI's API sends them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sotto::api {

inline constexpr std::string_view kSseType = "text/event-stream; charset=utf-8";

// One event; `name` may be empty. Neither may have line breaks, which JSON has none of.
std::string sse_event(std::string_view data, std::string_view name = {});

}  // namespace sotto::api
