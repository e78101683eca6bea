// `sotto render`: what a chat template makes of messages, and who said what in it.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/commands.h"
#include "cmd/model_source.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

struct RenderOptions {
  std::string model;
  std::string now;
  bool jsonl = false;
  bool runs = false;
};

// A template with the special tokens that it is told of unless the input names others.
struct Renderer {
  text::ChatTemplate chat_template;
  std::string bos_token;
  std::string eos_token;
  std::tm now;
};

// A file that is not GGUF is the template itself.
Result<std::optional<std::string>> read_template_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(4, '\0');
  if (!file.read(head.data(), 4) && !path.ends_with(".jinja")) return std::nullopt;
  if (head == "GGUF") return std::nullopt;
  file.clear();
  file.seekg(0);
  if (!file) return fail(ErrorKind::unavailable, "{}: cannot be read", path);
  // One byte more than a template may have, so that parse() says what is wrong with a longer one.
  std::string source(text::TemplateLimits().source_bytes_max + 1, '\0');
  file.read(source.data(), static_cast<std::streamsize>(source.size()));
  source.resize(static_cast<size_t>(file.gcount()));
  return source;
}

Result<text::ChatTemplate> parse_template(const std::string& origin, const std::string& source) {
  Result<text::ChatTemplate> parsed = text::ChatTemplate::parse(source);
  if (!parsed) return within(origin, std::move(parsed).error());
  return parsed;
}

Result<Renderer> open_renderer(const std::string& model) {
  if (const std::optional<std::string> source = TRY(read_template_file(model))) {
    return Renderer{TRY(parse_template(model, *source)), "", "", {}};
  }
  const gguf::Source source = TRY(open_model(model));
  const gguf::Metadata& metadata = source.description().metadata;
  if (!metadata.find("tokenizer.chat_template")) {
    return fail(ErrorKind::unavailable, "{} carries no chat template (tokenizer.chat_template)",
                model);
  }
  const auto text = TRY(metadata.get<std::string>("tokenizer.chat_template"));
  Renderer renderer{TRY(parse_template("tokenizer.chat_template", text)), "", "", {}};
  const text::Tokenizer tokenizer = TRY(text::Tokenizer::from_metadata(metadata));
  if (const auto bos = tokenizer.bos()) renderer.bos_token = tokenizer.token_text(*bos);
  if (const auto eos = tokenizer.eos()) renderer.eos_token = tokenizer.token_text(*eos);
  return renderer;
}

// "2026-01-02 03:04:05", or the time of this machine when empty.
Result<std::tm> parse_now(const std::string& text) {
  std::tm now{};
  if (text.empty()) {
    const std::time_t seconds = std::time(nullptr);
    localtime_r(&seconds, &now);
    return now;
  }
  const char* end = strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &now);
  // Back from a count of seconds: fills in the weekday and shows days that do not exist.
  std::tm checked = now;
  const std::time_t seconds = timegm(&checked);
  gmtime_r(&seconds, &checked);
  if (!end || *end != '\0' || checked.tm_mday != now.tm_mday) {
    return fail(ErrorKind::malformed, "now: not a time like \"2026-01-02 03:04:05\"");
  }
  return checked;
}

Result<std::string> text_field(json::object& line, std::string_view name, std::string fallback) {
  const json::value* value = line.if_contains(name);
  if (!value || value->is_null()) return fallback;
  if (!value->is_string()) return fail(ErrorKind::malformed, "'{}' is not a string", name);
  std::string text(value->get_string());
  line.erase(name);
  return text;
}

Result<text::ChatInput> read_input(const Renderer& renderer, std::string_view text) {
  boost::system::error_code error;
  json::value parsed = json::parse(text, error);
  if (error) return fail(ErrorKind::malformed, "the input is not JSON: {}", error.message());
  if (!parsed.is_object()) return fail(ErrorKind::malformed, "the input is not an object");
  json::object& line = parsed.get_object();
  text::ChatInput input;
  input.bos_token = TRY(text_field(line, "bos_token", renderer.bos_token));
  input.eos_token = TRY(text_field(line, "eos_token", renderer.eos_token));
  const std::string now = TRY(text_field(line, "now", ""));
  input.now = now.empty() ? renderer.now : TRY(parse_now(now));
  const json::value* messages = line.if_contains("messages");
  if (!messages || !messages->is_array()) {
    return fail(ErrorKind::malformed, "'messages' is not an array");
  }
  input.messages = *messages;
  if (const json::value* tools = line.if_contains("tools")) input.tools = *tools;
  if (!input.tools.is_null() && !input.tools.is_array()) {
    return fail(ErrorKind::malformed, "'tools' is not an array");
  }
  if (const json::value* prompt = line.if_contains("add_generation_prompt")) {
    if (!prompt->is_bool()) {
      return fail(ErrorKind::malformed, "'add_generation_prompt' is not a boolean");
    }
    input.add_generation_prompt = prompt->get_bool();
  }
  for (const std::string_view name : {"messages", "tools", "add_generation_prompt"}) {
    line.erase(name);
  }
  input.extra = std::move(line);
  return input;
}

json::object to_json(const std::vector<text::TextRun>& runs, bool with_runs) {
  json::object answer{{"text", text::join(runs)}};
  if (!with_runs) return answer;
  json::array list;
  for (const text::TextRun& run : runs) {
    list.push_back({{"text", run.text}, {"trusted", run.trusted}});
  }
  answer["runs"] = std::move(list);
  return answer;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// One answer per line of standard input. What a template refuses is an answer; a line that is not
// an input at all counts as a failure in the end.
Result<int> render_lines(const Renderer& renderer, const RenderOptions& options) {
  uint64_t lines = 0;
  uint64_t bad = 0;
  for (std::string line; std::getline(std::cin, line); ++lines) {
    const Result<text::ChatInput> input = read_input(renderer, line);
    json::object answer;
    if (!input) {
      ++bad;
      answer["error"] = input.error().message;
    } else if (const auto runs = renderer.chat_template.render(*input)) {
      answer = to_json(*runs, options.runs);
    } else {
      answer["error"] = runs.error().message;
    }
    print(json::serialize(answer) + "\n");
    std::fflush(stdout);
  }
  if (bad > 0) return fail(ErrorKind::malformed, "{} of {} lines could not be used", bad, lines);
  return kExitOk;
}

Result<int> render_once(const Renderer& renderer, const RenderOptions& options) {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const text::ChatInput input = TRY(read_input(renderer, text));
  const std::vector<text::TextRun> runs = TRY(renderer.chat_template.render(input));
  print(options.runs ? json::serialize(to_json(runs, true)) + "\n" : text::join(runs));
  return kExitOk;
}

}  // namespace

Run add_render(CLI::App& app) {
  auto options = std::make_shared<RenderOptions>();
  app.add_option("MODEL", options->model,
                 "a GGUF file, a model's name, 'demo', or a template (FILE.jinja)")
      ->required();
  app.add_flag("--jsonl", options->jsonl,
               "read lines {\"messages\":…}, write lines {\"text\":…} or {\"error\":…}");
  app.add_flag("--runs", options->runs,
               "show, as JSON, which text is the template's own and which came from the input");
  app.add_option("--now", options->now, "the time that a template sees: \"2026-01-02 03:04:05\"");
  app.footer(
      "Standard input is a JSON object with \"messages\" and, as wanted, \"tools\",\n"
      "\"add_generation_prompt\", \"bos_token\", \"eos_token\", \"now\" and further variables.\n"
      "Example: echo '{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}' | sotto render "
      "demo");
  return [options]() -> Result<int> {
    Renderer renderer = TRY(open_renderer(options->model));
    renderer.now = TRY(parse_now(options->now));
    return options->jsonl ? render_lines(renderer, *options) : render_once(renderer, *options);
  };
}

}  // namespace sotto::cmd
