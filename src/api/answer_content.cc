// Gathering what an answer says.
// SPDX-License-Identifier: Apache-2.0
#include "api/answer_content.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sotto::api {
namespace {

namespace json = boost::json;

constexpr size_t kChoicesMax = 1024;
constexpr size_t kCallsMax = 1024;

const json::value* find(const json::object& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &found->value();
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* value = find(object, name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

// Objects of a list that may be missing.
std::vector<const json::object*> objects_of(const json::object& object, std::string_view name) {
  std::vector<const json::object*> objects;
  const json::value* list = find(object, name);
  if (list == nullptr || !list->is_array()) return objects;
  for (const json::value& value : list->get_array()) {
    if (value.is_object()) objects.push_back(&value.get_object());
  }
  return objects;
}

class Gatherer {
 public:
  // One JSON text: a whole answer, or an event of one.
  Result<void> add(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
    if (error || !value.is_object()) return fail(ErrorKind::malformed, "answer: no JSON object");
    const json::object& object = value.get_object();
    if (find(object, "error") != nullptr && !find(object, "error")->is_null()) {
      return fail(ErrorKind::malformed, "answer: it is an error, or has one in it");
    }
    const std::string_view what = text_of(object, "object");
    if (what == "response") return add_response(object);
    const std::string_view type = text_of(object, "type");
    const json::value* inner = find(object, "response");
    const bool last = type == "response.completed" || type == "response.incomplete";
    if (last && inner != nullptr && inner->is_object()) return add_response(inner->get_object());
    if (type.starts_with("response.")) return {};  // the last one has it all
    if (what == "list") return add_embeddings(object);
    for (const json::object* choice : objects_of(object, "choices")) TRY(add_choice(*choice));
    known_ = known_ || what.starts_with("chat.completion") || what == "text_completion";
    return {};
  }

  Result<std::vector<AnswerContent>> finish() {
    if (!known_) return fail(ErrorKind::malformed, "answer: of no endpoint that is known");
    return std::move(choices_);
  }

 private:
  Result<AnswerContent*> choice(const json::object& object) {
    const json::value* index = find(object, "index");
    const int64_t at = index != nullptr && index->is_int64() ? index->get_int64() : -1;
    if (at < 0 || at >= static_cast<int64_t>(kChoicesMax)) {
      return fail(ErrorKind::malformed, "answer: a choice without a number");
    }
    if (choices_.size() <= static_cast<size_t>(at)) choices_.resize(static_cast<size_t>(at) + 1);
    return &choices_[static_cast<size_t>(at)];
  }

  Result<void> add_choice(const json::object& object) {
    AnswerContent* to = TRY(choice(object));
    to->content += text_of(object, "text");
    to->finish_reason += text_of(object, "finish_reason");
    for (const char* name : {"message", "delta"}) {
      const json::value* message = find(object, name);
      if (message == nullptr || !message->is_object()) continue;
      const json::object& said = message->get_object();
      to->content += text_of(said, "content");
      to->reasoning += text_of(said, "reasoning_content");
      TRY(add_calls(said, *to));
    }
    return {};
  }

  Result<void> add_calls(const json::object& said, AnswerContent& to) {
    for (const json::object* call : objects_of(said, "tool_calls")) {
      const json::value* function = find(*call, "function");
      if (function == nullptr || !function->is_object()) continue;
      if (to.calls.size() == kCallsMax) return fail(ErrorKind::exhausted, "answer: too many calls");
      add_call(function->get_object(), to);
    }
    return {};
  }

  static void add_call(const json::object& function, AnswerContent& to) {
    std::string call(text_of(function, "name"));
    call += " ";
    call += text_of(function, "arguments");
    to.calls.push_back(std::move(call));
  }

  Result<void> add_response(const json::object& response) {
    known_ = true;
    choices_.assign(1, {});
    AnswerContent& to = choices_.front();
    to.finish_reason = text_of(response, "status");
    for (const json::object* item : objects_of(response, "output")) {
      if (text_of(*item, "type") == "function_call") add_call(*item, to);
      const bool reasoning = text_of(*item, "type") == "reasoning";
      for (const json::object* part : objects_of(*item, "content")) {
        (reasoning ? to.reasoning : to.content) += text_of(*part, "text");
      }
    }
    return {};
  }

  Result<void> add_embeddings(const json::object& list) {
    known_ = true;
    for (const json::object* one : objects_of(list, "data")) {
      AnswerContent* to = TRY(choice(*one));
      const json::value* vector = find(*one, "embedding");
      if (vector != nullptr) to->content = json::serialize(*vector);
    }
    return {};
  }

  std::vector<AnswerContent> choices_;
  bool known_ = false;
};

}  // namespace

Result<std::vector<AnswerContent>> answer_content(std::string_view body) {
  if (body.size() > kAnswerBytesMax) {
    return fail(ErrorKind::exhausted, "answer: {} bytes; at most {}", body.size(), kAnswerBytesMax);
  }
  Gatherer gatherer;
  const size_t first = body.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && body[first] == '{') {
    TRY(gatherer.add(body));
    return gatherer.finish();
  }
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    constexpr std::string_view kData = "data: ";
    if (!line.starts_with(kData) || line == "data: [DONE]") continue;
    TRY(gatherer.add(line.substr(kData.size())));
  }
  return gatherer.finish();
}

}  // namespace sotto::api
