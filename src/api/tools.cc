// Reading tools in both spellings into one.
// SPDX-License-Identifier: Apache-2.0
#include "api/tools.h"

#include <algorithm>

namespace sotto::api {

namespace json = boost::json;

namespace {

constexpr size_t kDescriptionMax = 1 << 20;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kToolNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

// name, description, parameters and strict, which `fields` has beside what is read already.
ApiResult<json::object> read_function(Fields& fields, bool& strict) {
  const std::string path = fields.name_of("name");
  const auto name = TRY(fields.string("name", kToolNameMax));
  if (!name || !is_name(*name)) {
    return invalid(path, "{} is not 1 to {} letters, digits, '_', '-' or '.'", path, kToolNameMax);
  }
  json::object function;
  function["name"] = *name;
  if (const auto text = TRY(fields.string("description", kDescriptionMax))) {
    function["description"] = *text;
  }
  const json::object* parameters = TRY(fields.object("parameters"));
  function["parameters"] = parameters != nullptr
                               ? *parameters
                               : json::object{{"type", "object"}, {"properties", json::object()}};
  strict = TRY(fields.boolean("strict")).value_or(false);
  TRY(fields.done());
  return function;
}

ApiResult<json::object> read_tool(const json::value& value, const std::string& path,
                                  ToolStyle style, bool& strict) {
  if (!value.is_object()) return invalid(path, "{} is not an object", path);
  Fields fields(value.get_object(), path);
  const auto type = TRY(fields.string("type", 64));
  if (type != "function") {
    return unsupported(path + ".type", "{}.type: of tools only functions are supported", path);
  }
  json::object tool;
  tool["type"] = "function";
  if (style == ToolStyle::responses) {
    tool["function"] = TRY(read_function(fields, strict));
    return tool;
  }
  const json::object* inner = TRY(fields.object("function"));
  if (inner == nullptr) return invalid(path + ".function", "{}.function is missing", path);
  TRY(fields.done());
  Fields function(*inner, path + ".function");
  tool["function"] = TRY(read_function(function, strict));
  return tool;
}

bool has_tool(const Tools& tools, const std::string& name) {
  return std::any_of(tools.list.begin(), tools.list.end(), [&](const json::value& tool) {
    return tool.at("function").at("name").get_string() == name;
  });
}

ApiResult<void> read_choice(Fields& fields, ToolStyle style, Tools& tools) {
  const json::value* value = fields.take("tool_choice");
  const std::string path = fields.name_of("tool_choice");
  if (value == nullptr) return {};
  if (value->is_string()) {
    const std::string_view word = value->get_string();
    if (word != "none" && word != "auto" && word != "required") {
      return invalid(path, "{} is none of: none, auto, required, a function", path);
    }
    tools.choice = word == "none"   ? ToolChoice::none
                   : word == "auto" ? ToolChoice::automatic
                                    : ToolChoice::required;
  } else if (value->is_object()) {
    Fields choice(value->get_object(), path);
    if (TRY(choice.string("type", 64)) != "function") {
      return unsupported(path + ".type", "{}.type: only a function can be chosen", path);
    }
    std::optional<std::string> name;
    if (style == ToolStyle::responses) {
      name = TRY(choice.string("name", kToolNameMax));
    } else if (const json::object* function = TRY(choice.object("function"))) {
      Fields inner(*function, path + ".function");
      name = TRY(inner.string("name", kToolNameMax));
      TRY(inner.done());
    }
    TRY(choice.done());
    if (!name || !has_tool(tools, *name)) {
      return invalid(path, "{} names no function that is among the tools", path);
    }
    tools.choice = ToolChoice::required;
    tools.only = *name;
  } else {
    return invalid(path, "{} is neither a word nor an object", path);
  }
  if (tools.choice == ToolChoice::required && tools.list.empty()) {
    return invalid(path, "{} asks for a call, and there are no tools", path);
  }
  return {};
}

}  // namespace

ApiResult<Tools> read_tools(Fields& fields, ToolStyle style) {
  Tools tools;
  const std::string path = fields.name_of("tools");
  const json::array* list = TRY(fields.array("tools", kToolsMax));
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string here = fmt::format("{}[{}]", path, i);
    bool strict = false;
    json::object tool = TRY(read_tool((*list)[i], here, style, strict));
    if (has_tool(tools, std::string(tool.at("function").at("name").get_string()))) {
      return invalid(here, "{}: another tool has its name", here);
    }
    tools.list.push_back(std::move(tool));
    tools.strict.push_back(strict);
  }
  TRY(read_choice(fields, style, tools));
  tools.parallel = TRY(fields.boolean("parallel_tool_calls")).value_or(true);
  return tools;
}

}  // namespace sotto::api
