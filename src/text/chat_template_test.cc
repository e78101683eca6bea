// Chat templates: the snippets rendered by Jinja2 itself, errors, and bounds.
// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <string>

namespace sotto::text {
namespace {

namespace json = boost::json;

std::tm january() {
  std::tm now{};
  now.tm_year = 2026 - 1900;
  now.tm_mon = 0;
  now.tm_mday = 2;
  now.tm_hour = 3;
  now.tm_min = 4;
  now.tm_sec = 5;
  now.tm_wday = 5;
  now.tm_yday = 1;
  return now;
}

ChatInput input_of(json::object variables) {
  ChatInput input;
  input.messages = variables.contains("messages") ? variables["messages"] : json::array();
  variables.erase("messages");
  input.bos_token = "<BOS>";
  input.eos_token = "<EOS>";
  input.extra = std::move(variables);
  input.now = january();
  return input;
}

Result<std::string> render(std::string_view source, const ChatInput& input = input_of({}),
                           const TemplateLimits& limits = {}) {
  const ChatTemplate chat = TRY(ChatTemplate::parse(source, limits));
  return join(TRY(chat.render(input)));
}

std::string rendered(std::string_view source, json::object variables = {}) {
  const Result<std::string> text = render(source, input_of(std::move(variables)));
  return text ? *text : "error: " + text.error().message;
}

Error error_of(std::string_view source, const TemplateLimits& limits = {}) {
  const Result<std::string> text = render(source, input_of({}), limits);
  if (text) return {ErrorKind::internal, "no error"};
  return text.error();
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(chat_template, renders_snippets_as_jinja2_does) {
  const std::string folder = SOTTO_TESTDATA_DIR "/jinja/";
  const ChatInput input = input_of(json::parse(read_file(folder + "input.json")).as_object());
  std::ifstream cases(folder + "expected.jsonl");
  size_t count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    const json::object expected = json::parse(line).as_object();
    const std::string source(expected.at("source").as_string());
    const Result<std::string> text = render(source, input);
    if (!expected.contains("expected")) {
      EXPECT_FALSE(text.has_value()) << source << "\nJinja2: " << expected.at("error");
      continue;
    }
    ASSERT_TRUE(text.has_value()) << source << "\n" << text.error().message;
    EXPECT_EQ(*text, std::string(expected.at("expected").as_string())) << source;
  }
  EXPECT_GT(count, 150u);
}

TEST(chat_template, raise_exception_is_denied_with_the_bare_message) {
  const Error error = error_of("a\n{{ raise_exception('Only ' ~ 1 ~ ' system') }}");
  EXPECT_EQ(error.kind, ErrorKind::denied);
  EXPECT_EQ(error.message, "Only 1 system");
}

TEST(chat_template, unsupported_names_what_and_where) {
  const std::pair<const char*, const char*> cases[] = {
      {"\n{% include 'other' %}", "line 2: no tag named 'include'"},
      {"\n\n{{ 1|urlize }}", "line 3: no filter named 'urlize'"},
      {"{{ 1 is prime }}", "line 1: no test named 'prime'"},
      {"{% if true %}\n{{ 1|urlize }}{% endif %}", "line 2: no filter named 'urlize'"},
      {"{{ 'a'.encode() }}", "no method 'encode' of str"},
  };
  for (const auto& [source, message] : cases) {
    const Error error = error_of(source);
    EXPECT_EQ(error.kind, ErrorKind::unsupported) << source;
    EXPECT_NE(error.message.find(message), std::string::npos) << error.message;
  }
}

TEST(chat_template, malformed_names_the_line) {
  const std::pair<const char*, const char*> cases[] = {
      {"\n{% if true %}", "line 2: the template ends before 'endif'"},
      {"{% endfor %}", "line 1: 'endfor' without its beginning"},
      {"\n{{ 'abc }}", "line 2: string without an end"},
      {"\n{# abc", "line 2: comment without an end"},
      {"{% raw %}", "line 1: raw without endraw"},
      {"{{ a b }}", "line 1: expected '}}', got 'b'"},
      {"{{ (1] }}", "line 1: unexpected ']'"},
      {"{% break %}", "line 1: 'break' outside of a loop"},
      {"\n{{ nothing.role }}", "line 2: 'nothing' is undefined"},
      {"{{ messages[0].role }}", "line 1: 'list' object has no such element"},
      {"\xff", "not UTF-8 at byte 0"},
  };
  for (const auto& [source, message] : cases) {
    const Error error = error_of(source);
    EXPECT_EQ(error.kind, ErrorKind::malformed) << source;
    EXPECT_NE(error.message.find(message), std::string::npos) << error.message;
  }
}

TEST(chat_template, errors_do_not_repeat_what_messages_say) {
  const json::object variables{{"secret", "XYZZY"}, {"data", {{"XYZZY", "XYZZY"}}}};
  const char* sources[] = {
      "{{ {}[secret].x }}",
      "{{ namespace()[secret].x }}",
      "{{ messages[secret].x }}",
      "{{ secret.nothing.x }}",
      "{{ secret + 1 }}",
      "{{ secret() }}",
      "{{ [1]|map(secret)|list }}",
      "{{ [1]|select(secret)|list }}",
      "{{ '%d' % secret }}",
      "{{ secret|format(1) }}",
      "{{ range(secret) }}",
      "{{ dict(**data).q.x }}",
      "{{ 'a'.index(secret) }}",
      "{{ range(1, **data) }}",
      "{{ strftime_now(secret ~ '%!') }}",
      "{% macro m() %}{% endmacro %}{{ m(**data) }}",
      "{{ [{}]|map(attribute=secret)|map(attribute='x')|list }}",
  };
  for (const char* source : sources) {
    const Result<std::string> text = render(source, input_of(variables));
    ASSERT_FALSE(text.has_value()) << source << " " << *text;
    EXPECT_EQ(text.error().message.find("XYZZY"), std::string::npos) << text.error().message;
  }
}

TEST(chat_template, tools_are_undefined_when_not_given_and_extra_may_set_none) {
  EXPECT_EQ(rendered("{{ tools is defined }}"), "False");
  EXPECT_EQ(rendered("{{ tools is none }}", {{"tools", nullptr}}), "True");
}

TEST(chat_template, integers_beyond_64_bits_are_refused) {
  for (const char* source :
       {"{{ 9223372036854775807 + 1 }}", "{{ 2 ** 63 }}", "{{ 2 ** 9223372036854775807 }}",
        "{{ -9223372036854775807 - 2 }}", "{{ 9223372036854775807 * 2 }}",
        "{{ '9223372036854775808'|int }}", "{{ 1e300|int }}", "{{ -(-9223372036854775807 - 1) }}",
        "{{ (-9223372036854775807 - 1) // -1 }}", "{{ (-9223372036854775807 - 1)|abs }}"}) {
    EXPECT_EQ(error_of(source).kind, ErrorKind::exhausted) << source;
  }
  EXPECT_EQ(error_of("{{ 9223372036854775808 }}").kind, ErrorKind::malformed);
  EXPECT_EQ(rendered("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  EXPECT_EQ(rendered("{{ x }}", {{"x", UINT64_MAX}}),
            "error: chat template: an integer in the input does not fit into 64 bits");
}

TEST(chat_template, sandbox_reaches_nothing_but_data) {
  for (const char* source :
       {"{{ ''.__class__.__mro__ }}", "{{ messages.__init__.__globals__ }}",
        "{{ messages.append(1) }}", "{{ {}.update({1: 2}) }}", "{{ [1].pop() }}",
        "{{ [1]['append'](2) }}", "{{ range.__self__.x }}", "{{ raise_exception.__globals__.x }}",
        "{{ lipsum() }}", "{{ self.x }}", "{{ '{0.__class__.x}'.format(1) }}",
        "{{ [1]|map(attribute='__class__.x')|list }}", "{{ 1|attr('__class__')|attr('x') }}"}) {
    const Error error = error_of(source);
    EXPECT_EQ(error.kind, ErrorKind::malformed) << source << error.message;
  }
}

// Every one of these would run or grow for hours without a bound.
TEST(chat_template, no_template_hangs_or_blows_up) {
  const std::string nested_list(100'000, '[');
  std::string dicts;
  for (int i = 0; i < 100'000; ++i) dicts += "{1:";
  std::string chain = "{{ 1";
  for (int i = 0; i < 100'000; ++i) chain += "|string";
  std::string calls = "{{ ['x']|map('map'";
  for (int i = 0; i < 100'000; ++i) calls += ",'map'";
  calls += ")|list }}";
  std::string ifs;
  for (int i = 0; i < 100'000; ++i) ifs += "{% if 1 %}";
  const std::string sources[] = {
      "{{ 'a' * 10 ** 12 }}",
      "{{ [1] * 10 ** 12 }}",
      "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
      "{% set x = 'a' * 1000 %}{% for i in range(99) %}{% set x = x + x %}{% endfor %}{{ x * "
      "1000000 }}",
      "{% set n = namespace(x='aa') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor "
      "%}",
      "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
      "{% set n = namespace(x=[]) %}{% for i in range(99999) %}{% set n.x = [n.x] %}{% endfor %}",
      "{% set n = namespace(x=1) %}{% for i in range(99999) %}{% set n.x = (n.x, n.x) %}{% endfor "
      "%}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxxxxxxx{% endfor %}{% endfor "
      "%}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{{ 1 if caller }}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
      "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{{ range(10 ** 12)|list }}",
      "{{ range(0, 9223372036854775807, 9223372036854775806)|list|length * 10 ** 19 }}",
      "{{ '%1000000000s' % 'a' }}",
      "{{ '{:1000000000}'.format('a') }}",
      "{{ 'a'.center(10 ** 12) }}",
      "{{ 'a'|center(10 ** 12) }}",
      "{{ 'a'|indent(10 ** 12, true) }}",
      "{{ [1]|batch(10 ** 12, 'x')|list }}",
      "{{ [1]|slice(10 ** 12)|list }}",
      "{{ ('a' * 10 ** 7)|list }}",
      "{% for a in range(9999) %}{{ ('a' * 9999999).find('a' * 999999 ~ 'b') }}{% endfor %}",
      "{% set l = range(99999)|list %}{% for a in l %}{{ -1 in l }}{% endfor %}",
      "{{ range(99999)|list|unique|list|length }}{{ range(99999)|map('string')|unique|list }}",
      "{% set a = [1] * 9999 %}{% set b = [a] * 9999 %}{{ b|tojson }}",
      "{{ " + nested_list + std::string(100'000, ']') + " }}",
      chain + " }}",
      calls,
      ifs,
      "{{ " + std::string(100'000, '(') + "1" + std::string(100'000, ')') + " }}",
      "{{ " + std::string(100'000, '-') + "1 }}",
      "{{ " + dicts + "1" + std::string(100'000, '}') + " }}",
      "{% set x" + std::string(2'000'000, 'x') + " = 1 %}",
  };
  for (const std::string& source : sources) {
    const Error error = error_of(source);
    EXPECT_EQ(error.kind, ErrorKind::exhausted) << source.substr(0, 100) << error.message;
  }
}

TEST(chat_template, limits_are_the_callers) {
  EXPECT_EQ(error_of("{% for i in range(100) %}{% endfor %}", {.steps_max = 50}).kind,
            ErrorKind::exhausted);
  EXPECT_EQ(error_of("{{ 'a' * 100 }}", {.output_bytes_max = 99}).kind, ErrorKind::exhausted);
  EXPECT_EQ(error_of("{{ 'a' * 100 }}", {.value_bytes_max = 99}).kind, ErrorKind::exhausted);
  EXPECT_EQ(error_of("{{ ((((1)))) }}", {.depth_max = 3}).kind, ErrorKind::exhausted);
  EXPECT_EQ(error_of("abcdef", {.source_bytes_max = 5}).kind, ErrorKind::exhausted);
  EXPECT_EQ(error_of("abcdef", {.output_bytes_max = 5}).kind, ErrorKind::exhausted);
}

TEST(chat_template, long_chains_of_operators_do_not_count_as_depth) {
  std::string sum = "{{ 0";
  std::string text = "{{ ''";
  std::string logic = "{{ 0";
  for (int i = 0; i < 5000; ++i) {
    sum += " + 1";
    text += " ~ 'a'";
    logic += " or 0";
  }
  EXPECT_EQ(rendered(sum + " }}"), "5000");
  EXPECT_EQ(rendered(text + " }}"), std::string(5000, 'a'));
  EXPECT_EQ(rendered(logic + " }}"), "0");
}

TEST(chat_template, cycles_of_namespaces_and_macros_are_let_go) {
  EXPECT_EQ(
      rendered("{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = b %}"
               "{% macro m() %}x{% endmacro %}{% set a.m = m %}{{ a.b.a.m() }}"
               "{% for i in [1, 2] %}{% set a.loop = loop %}{{ loop.changed(loop) }}{% endfor %}"
               "{{ a.loop.index }}{{ a.loop.last }}"),
      "xTrueFalse2True");
}

TEST(chat_template, render_is_repeatable_and_the_template_reusable) {
  const auto chat = ChatTemplate::parse(
      "{% set ns = namespace(i=0) %}{% for m in messages %}"
      "{% set ns.i = ns.i + 1 %}{{ ns.i }}{{ m.role }}{% endfor %}");
  ASSERT_TRUE(chat.has_value());
  const ChatInput input = input_of({{"messages", {{{"role", "a"}}, {{"role", "b"}}}}});
  EXPECT_EQ(join(*chat->render(input)), "1a2b");
  EXPECT_EQ(chat->render(input).value(), chat->render(input).value());
}

TEST(chat_template, broken_utf8_in_messages_is_replaced) {
  EXPECT_EQ(rendered("{{ x }}{{ x|length }}", {{"x", "a\xff\xe4z"}}), "a\uFFFD\uFFFDz4");
}

TEST(chat_template, impossible_dates_are_refused) {
  ChatInput input = input_of({});
  input.now.tm_mon = 12;
  EXPECT_EQ(render("x", input).error().kind, ErrorKind::malformed);
}

}  // namespace
}  // namespace sotto::text
