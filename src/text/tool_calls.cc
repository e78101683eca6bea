// Finding calls in a stream of text, and telling a model of its tools where its template does not.
// SPDX-License-Identifier: Apache-2.0
#include "text/tool_calls.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

namespace sotto::text {

namespace json = boost::json;

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr size_t kDepthMax = 64;

struct Marks {
  std::string_view open, close;
};
constexpr Marks kHermes = {"<tool_call>", "</tool_call>"};
constexpr Marks kDeepSeekAll = {"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"};
constexpr Marks kDeepSeekOne = {"<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"};
constexpr std::string_view kDeepSeekSeparator = "<｜tool▁sep｜>";
constexpr std::string_view kPythonTag = "<|python_tag|>";

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<json::object> parse_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(trim(text), error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

// {"name": …, "arguments": {…}}; the arguments may be called parameters, be text, or be left out.
std::optional<ToolCall> call_of_object(std::string_view text) {
  const std::optional<json::object> object = parse_object(text);
  if (!object) return std::nullopt;
  const json::value* name = object->if_contains("name");
  if (name == nullptr || !name->is_string() || name->get_string().empty()) return std::nullopt;
  const json::value* arguments = object->if_contains("arguments");
  if (arguments == nullptr) arguments = object->if_contains("parameters");
  ToolCall call{std::string(name->get_string()), "{}"};
  if (arguments == nullptr || arguments->is_null()) return call;
  if (arguments->is_string()) {
    const auto inner = parse_object(std::string_view(arguments->get_string()));
    if (!inner) return std::nullopt;
    call.arguments = json::serialize(*inner);
  } else if (arguments->is_object()) {
    call.arguments = json::serialize(*arguments);
  } else {
    return std::nullopt;
  }
  return call;
}

// "function<｜tool▁sep｜>name ```json {…} ```", and "name<｜tool▁sep｜>{…}" of later models.
std::optional<ToolCall> call_of_deepseek(std::string_view text) {
  const size_t separator = text.find(kDeepSeekSeparator);
  if (separator == text.npos) return std::nullopt;
  std::string_view name = trim(text.substr(0, separator));
  std::string_view rest = text.substr(separator + kDeepSeekSeparator.size());
  const size_t fence = rest.find("```");
  if (fence != rest.npos) {
    name = trim(rest.substr(0, fence));
    rest.remove_prefix(fence + 3);
    if (rest.starts_with("json")) rest.remove_prefix(4);
    rest = rest.substr(0, rest.rfind("```"));
  }
  const std::optional<json::object> arguments = parse_object(rest);
  if (!arguments || name.empty()) return std::nullopt;
  return ToolCall{std::string(name), json::serialize(*arguments)};
}

std::optional<std::vector<ToolCall>> calls_of_deepseek(std::string_view text) {
  std::vector<ToolCall> calls;
  for (size_t at = text.find(kDeepSeekOne.open); at != text.npos;
       at = text.find(kDeepSeekOne.open, at)) {
    at += kDeepSeekOne.open.size();
    const size_t end = std::min(text.find(kDeepSeekOne.close, at), text.size());
    const std::optional<ToolCall> call = call_of_deepseek(text.substr(at, end - at));
    if (!call) return std::nullopt;
    calls.push_back(*call);
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

size_t beginning_at_end(std::string_view text, std::string_view mark) {
  for (size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::vector<std::string_view> tool_markers(ToolFormat format) {
  switch (format) {
    case ToolFormat::hermes:
      return {kHermes.open, kHermes.close};
    case ToolFormat::llama:
      return {kPythonTag};
    case ToolFormat::deepseek:
      return {kDeepSeekAll.open, kDeepSeekAll.close, kDeepSeekOne.open, kDeepSeekOne.close,
              kDeepSeekSeparator};
  }
  return {};
}

ToolPiece ToolCallSplitter::push(std::string_view text) {
  held_ += text;
  ToolPiece piece;
  format_ == ToolFormat::llama ? take_object(piece, false) : take_marked(piece, false);
  return piece;
}

ToolPiece ToolCallSplitter::finish() {
  ToolPiece piece;
  format_ == ToolFormat::llama ? take_object(piece, true) : take_marked(piece, true);
  return piece;
}

void ToolCallSplitter::take_marked(ToolPiece& piece, bool is_end) {
  const Marks& marks = format_ == ToolFormat::hermes ? kHermes : kDeepSeekAll;
  for (;;) {
    const size_t open = held_.find(marks.open);
    if (open == held_.npos) break;
    const size_t inside = open + marks.open.size();
    // A long call comes in many pieces: what was looked through is not looked through again.
    const size_t overlap = marks.close.size() - 1;
    size_t close =
        held_.find(marks.close, std::max(inside, searched_ - std::min(searched_, overlap)));
    searched_ = held_.size();
    if (close == held_.npos && !is_end) break;
    searched_ = 0;
    close = std::min(close, held_.size());  // at the answer's end a call may do without
    const std::string_view text = std::string_view(held_).substr(inside, close - inside);
    std::optional<std::vector<ToolCall>> calls;
    if (format_ == ToolFormat::deepseek) {
      calls = calls_of_deepseek(text);
    } else if (const auto call = call_of_object(text)) {
      calls.emplace(1, *call);
    }
    const size_t end = std::min(close + marks.close.size(), held_.size());
    if (calls) {
      const size_t last = std::string_view(held_).substr(0, open).find_last_not_of(kSpace);
      piece.content += held_.substr(0, last == held_.npos ? 0 : last + 1);
      called_ = true;
      piece.calls.insert(piece.calls.end(), calls->begin(), calls->end());
    } else {
      piece.content += held_.substr(0, end);
    }
    held_.erase(0, end);
  }
  if (is_end) {
    // White space alone, behind a call, is none of the answer.
    if (!called_ || !trim(held_).empty()) piece.content += held_;
    held_.clear();
    return;
  }
  // What a marker has begun, and the white space before it, waits.
  size_t sure = held_.find(marks.open);
  if (sure == held_.npos) sure = held_.size() - beginning_at_end(held_, marks.open);
  const size_t last = std::string_view(held_).substr(0, sure).find_last_not_of(kSpace);
  const size_t count = last == held_.npos ? 0 : last + 1;
  piece.content += held_.substr(0, count);
  held_.erase(0, count);
}

// An answer that begins with an object is a call as a whole, or it is none.
void ToolCallSplitter::take_object(ToolPiece& piece, bool is_end) {
  std::string_view text = held_;
  const size_t begin = text.find_first_not_of(kSpace);
  if (!began_) {
    if (begin == text.npos && !is_end) return;
    const std::string_view rest = begin == text.npos ? std::string_view() : text.substr(begin);
    const bool tagged = rest.starts_with(kPythonTag);
    const bool may_be =
        rest.starts_with('{') || tagged || (!is_end && kPythonTag.starts_with(rest));
    if (may_be && !is_end) return;
    if (may_be) {
      if (const auto call = call_of_object(tagged ? rest.substr(kPythonTag.size()) : rest)) {
        piece.calls.push_back(*call);
        held_.clear();
        return;
      }
    }
    began_ = true;
  }
  piece.content += held_;
  held_.clear();
}

ToolSupport tool_support(std::string_view source) {
  const auto has = [&](std::string_view text) { return source.find(text) != source.npos; };
  ToolSupport support;
  if (has(kHermes.open)) {
    support.format = ToolFormat::hermes;
  } else if (has(kDeepSeekAll.open)) {
    support.format = ToolFormat::deepseek;
  } else if (has(kPythonTag) || has("\"parameters\": ")) {
    support.format = ToolFormat::llama;
  }
  support.shows_calls = has("tool_calls");
  support.text_arguments = support.format == ToolFormat::deepseek;
  // "tools" as a name of its own, not as a part of another.
  for (size_t at = source.find("tools"); at != source.npos; at = source.find("tools", at + 1)) {
    const char before = at == 0 ? ' ' : source[at - 1];
    const char after = at + 5 < source.size() ? source[at + 5] : ' ';
    const auto is_word = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '<' || c == '/';
    };
    if (!is_word(before) && !is_word(after) && after != '>') support.lists_tools = true;
  }
  return support;
}

namespace {

std::string how_to_call(ToolFormat format, const json::array& tools) {
  std::string text =
      "# Tools\n\nYou may call functions to help with the request. They are:\n<tools>";
  for (const json::value& tool : tools) text += "\n" + json::serialize(tool);
  text += "\n</tools>\n\nTo call one, answer with ";
  switch (format) {
    case ToolFormat::hermes:
      return text +
             "its name and arguments as JSON within tags:\n<tool_call>\n"
             "{\"name\": <name>, \"arguments\": <arguments>}\n</tool_call>";
    case ToolFormat::llama:
      return text + "JSON and nothing else: {\"name\": <name>, \"parameters\": <arguments>}";
    case ToolFormat::deepseek:
      return text +
             "exactly this, with its name and its arguments as JSON:\n<｜tool▁calls▁begin｜>"
             "<｜tool▁call▁begin｜>function<｜tool▁sep｜><name>\n```json\n<arguments>\n```"
             "<｜tool▁call▁end｜><｜tool▁calls▁end｜>";
  }
  return text;
}

std::string calls_as_text(const json::array& calls) {
  std::string text;
  for (const json::value& call : calls) {
    const json::object& function = call.at("function").get_object();
    if (!text.empty()) text += '\n';
    text += "<tool_call>\n{\"name\": " + json::serialize(function.at("name")) +
            ", \"arguments\": " + std::string(function.at("arguments").get_string()) +
            "}\n</tool_call>";
  }
  return text;
}

void show_calls_as_text(json::object& message) {
  if (message.at("role") == "tool") {
    message["role"] = "user";
    message["content"] = "<tool_response>\n" + std::string(message.at("content").get_string()) +
                         "\n</tool_response>";
    message.erase("tool_call_id");
    message.erase("name");
    return;
  }
  const json::value* calls = message.if_contains("tool_calls");
  if (calls == nullptr) return;
  std::string content;
  const json::value* said = message.if_contains("content");
  if (said != nullptr && said->is_string()) content = std::string(said->get_string());
  if (!content.empty()) content += '\n';
  message["content"] = content + calls_as_text(calls->get_array());
  message.erase("tool_calls");
}

void arguments_as_objects(json::object& message) {
  json::value* calls = message.if_contains("tool_calls");
  if (calls == nullptr) return;
  for (json::value& call : calls->get_array()) {
    json::value& arguments = call.at("function").at("arguments");
    if (auto object = parse_object(std::string_view(arguments.get_string()))) {
      arguments = std::move(*object);
    }
  }
}

}  // namespace

json::array explain_tools(const ToolSupport& support, const json::array& messages,
                          const json::array& tools) {
  json::array out = messages;
  for (json::value& message : out) {
    if (!support.shows_calls) {
      show_calls_as_text(message.get_object());
    } else if (!support.text_arguments) {
      arguments_as_objects(message.get_object());
    }
  }
  if (support.lists_tools || tools.empty()) return out;
  const std::string text = how_to_call(support.format, tools);
  if (!out.empty() && out.front().at("role") == "system") {
    json::object& system = out.front().get_object();
    system["content"] = std::string(system.at("content").get_string()) + "\n\n" + text;
  } else {
    out.insert(out.begin(), json::object{{"role", "system"}, {"content", text}});
  }
  return out;
}

}  // namespace sotto::text
