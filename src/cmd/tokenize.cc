// `sotto tokenize`: text to token ids and back, with any model's vocabulary.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/commands.h"
#include "cmd/model_source.h"
#include "text/tokenizer.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

struct TokenizeOptions {
  std::string model;
  std::optional<std::string> text;
  bool jsonl = false;
  bool special = false;
  bool decode = false;
  bool pieces = false;
  bool json = false;
};

Result<std::string> decode(const text::Tokenizer& tokenizer, const std::vector<int64_t>& ids,
                           bool special) {
  text::Detokenizer detokenizer(tokenizer, special);
  std::string text;
  for (const int64_t id : ids) {
    if (id < 0 || id >= tokenizer.vocabulary_size()) {
      return fail(ErrorKind::malformed, "id {} is not in the vocabulary of {} tokens", id,
                  tokenizer.vocabulary_size());
    }
    text += detokenizer.push(static_cast<TokenId>(id));
  }
  return text + detokenizer.finish();
}

// Numbers with anything else but digits and '-' between them: "1 2", "[1, 2]".
Result<std::vector<int64_t>> parse_ids(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<int64_t> ids;
  for (size_t at = 0; (at = text.find_first_not_of(kBetween, at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    int64_t id = 0;
    const auto parsed = std::from_chars(text.data() + at, text.data() + end, id);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + end) {
      return fail(ErrorKind::malformed, "number {} of the ids is not a whole number",
                  ids.size() + 1);
    }
    ids.push_back(id);
    at = end;
  }
  return ids;
}

Result<json::object> answer_line(const text::Tokenizer& tokenizer, const TokenizeOptions& options,
                                 std::string_view line) {
  boost::system::error_code error;
  const json::value parsed = json::parse(line, error);
  if (error) return fail(ErrorKind::malformed, "the line is not JSON: {}", error.message());
  const char* const field = options.decode ? "ids" : "text";
  const json::value* value = parsed.is_object() ? parsed.get_object().if_contains(field) : nullptr;
  if (!options.decode) {
    if (value == nullptr || !value->is_string()) {
      return fail(ErrorKind::malformed, "the line is not an object with a string 'text'");
    }
    return json::object{
        {"ids", json::value_from(TRY(tokenizer.encode(value->get_string(), options.special)))}};
  }
  const auto ids = value == nullptr ? json::result<std::vector<int64_t>>(json::error::not_array)
                                    : json::try_value_to<std::vector<int64_t>>(*value);
  if (!ids) return fail(ErrorKind::malformed, "the line is not an object with whole numbers 'ids'");
  return json::object{{"text", TRY(decode(tokenizer, *ids, options.special))}};
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

// One answer per line of standard input, in its place: a bad line does not stop those after it.
Result<int> tokenize_lines(const text::Tokenizer& tokenizer, const TokenizeOptions& options) {
  uint64_t lines = 0;
  uint64_t bad = 0;
  for (std::string line; std::getline(std::cin, line); ++lines) {
    Result<json::object> answer = answer_line(tokenizer, options, line);
    if (!answer) {
      ++bad;
      answer = json::object{{"error", answer.error().message}};
    }
    print_line(json::serialize(*answer));
    std::fflush(stdout);
  }
  if (bad > 0) return fail(ErrorKind::malformed, "{} of {} lines could not be used", bad, lines);
  return kExitOk;
}

void print_pieces(const text::Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) {
    const std::string entry = json::serialize(json::string(tokenizer.token_text(id)));
    print_line(fmt::format("{:>8}  {}{}", id, entry, tokenizer.is_marker(id) ? "  marker" : ""));
  }
}

Result<int> tokenize_once(const text::Tokenizer& tokenizer, const TokenizeOptions& options) {
  std::string input = options.text.value_or("");
  if (!options.text) input.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (options.decode) {
    const std::string text = TRY(decode(tokenizer, TRY(parse_ids(input)), options.special));
    if (options.json) {
      print_line(json::serialize(json::object{{"text", text}}));
      return kExitOk;
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (isatty(STDOUT_FILENO) != 0) std::fputc('\n', stdout);
    return kExitOk;
  }
  const std::vector<TokenId> ids = TRY(tokenizer.encode(input, options.special));
  if (options.json) {
    print_line(json::serialize(json::object{{"ids", json::value_from(ids)}}));
  } else if (options.pieces) {
    print_pieces(tokenizer, ids);
  } else {
    print_line(fmt::format("{}", fmt::join(ids, " ")));
  }
  return kExitOk;
}

}  // namespace

Run add_tokenize(CLI::App& app) {
  auto options = std::make_shared<TokenizeOptions>();
  app.add_option("MODEL", options->model, "a GGUF file, a model's name, or 'demo'")->required();
  CLI::Option* text = app.add_option("TEXT", options->text, "the text; else standard input");
  CLI::Option* jsonl =
      app.add_flag("--jsonl", options->jsonl, "read lines {\"text\":…}, write lines {\"ids\":[…]}");
  app.add_flag("--special", options->special,
               "recognise markers such as <|im_end|> in the text; with --decode, show them");
  CLI::Option* decode =
      app.add_flag("--decode", options->decode, "the way back: ids to text, in every form");
  CLI::Option* pieces =
      app.add_flag("--pieces", options->pieces, "one line per token: id and vocabulary entry");
  CLI::Option* json = app.add_flag("--json", options->json, "write one JSON object");
  jsonl->excludes(text)->excludes(pieces)->excludes(json);
  pieces->excludes(decode)->excludes(json);
  app.footer("Example: sotto tokenize demo \"Hello there\" --pieces");
  return [options]() -> Result<int> {
    const gguf::Source source = TRY(open_model(options->model));
    const text::Tokenizer tokenizer =
        TRY(text::Tokenizer::from_metadata(source.description().metadata));
    return options->jsonl ? tokenize_lines(tokenizer, *options)
                          : tokenize_once(tokenizer, *options);
  };
}

}  // namespace sotto::cmd
