// Published templates against what the reference makes of them, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "text/chat_template.h"

namespace sotto::text {
namespace {

namespace json = boost::json;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ChatInput input_of(const json::object& variables) {
  ChatInput input;
  input.messages = variables.at("messages");
  if (const json::value* tools = variables.if_contains("tools")) input.tools = *tools;
  input.add_generation_prompt = variables.at("add_generation_prompt").as_bool();
  input.bos_token = "<BOS>";
  input.eos_token = "<EOS>";
  input.now.tm_year = 2026 - 1900;
  input.now.tm_mday = 2;
  input.now.tm_hour = 3;
  input.now.tm_min = 4;
  input.now.tm_sec = 5;
  input.now.tm_wday = 5;
  input.now.tm_yday = 1;
  return input;
}

// Whether a failure of ours is the reference's: where the template itself refuses, with its words.
bool same_error(const Error& ours, const std::string& reference) {
  static constexpr std::string_view kRaised = "TemplateError: ";
  if (!reference.starts_with(kRaised)) return ours.kind == ErrorKind::malformed;
  return ours.kind == ErrorKind::denied && ours.message == reference.substr(kRaised.size());
}

TEST(chat_template_oracle, every_template_renders_as_the_reference) {
  const std::string folder = SOTTO_ORACLE_DIR "/templates/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "NO ORACLE: " << folder << " is absent";
  std::map<std::string, json::object> cases;
  const json::value all = json::parse(read_file(folder + "cases.json"));
  for (const json::value& entry : all.as_array()) {
    cases[std::string(entry.at("name").as_string())] = entry.as_object();
  }
  std::ifstream lines(folder + "expected.jsonl");
  size_t total = 0;
  size_t passed = 0;
  for (std::string line; std::getline(lines, line); ++total) {
    const json::object expected = json::parse(line).as_object();
    const std::string name(expected.at("template").as_string());
    const std::string which(expected.at("case").as_string());
    const auto chat = ChatTemplate::parse(read_file(folder + name));
    ASSERT_TRUE(chat.has_value()) << name << ": " << chat.error().message;
    const auto runs = chat->render(input_of(cases.at(which)));
    bool good = false;
    if (const json::value* text = expected.if_contains("expected")) {
      good = runs && join(*runs) == std::string(text->as_string());
    } else {
      good = !runs && same_error(runs.error(), std::string(expected.at("error").as_string()));
    }
    EXPECT_TRUE(good) << name << " " << which << (runs ? "" : ": " + runs.error().message);
    passed += good ? 1 : 0;
  }
  EXPECT_GT(total, 0u) << "no vectors in " << folder;
  std::printf("templates: %zu of %zu\n", passed, total);
}

}  // namespace
}  // namespace sotto::text
