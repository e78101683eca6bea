// Schemas: what their grammars match, what is refused by name, and random ones against a validator.
// SPDX-License-Identifier: Apache-2.0
#include "text/json_schema.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "text/grammar_for_testing.h"
#include "text/schema_validator_for_testing.h"

namespace sotto::text {
namespace {

namespace json = boost::json;

Result<Grammar> grammar_of(const json::value& schema) {
  JsonGrammar grammar;
  Expression root = TRY(grammar.add_schema(schema));
  return Grammar::compile(grammar.finish(std::move(root)));
}

std::shared_ptr<GrammarTokens> compile(const std::string& schema) {
  Result<Grammar> grammar = grammar_of(json::parse(schema));
  EXPECT_TRUE(grammar.has_value()) << schema << ": " << grammar.error().message;
  return with_tokens(std::move(*grammar));
}

struct Case {
  const char* schema;
  std::vector<const char*> good;
  std::vector<const char*> bad;
};
const Case kAccepted[] = {
    {R"({"type":"string"})",
     {R"("")", R"("aé😀")", R"("\n\"\\\/\u00e9")", R"("\ud83d\ude00")"},
     {R"(")", R"("a)", R"(a)", R"("\x")", R"("\ud83d")", R"("\ude00")", "\"\n\"", "1"}},
    {R"({"type":"string","minLength":2,"maxLength":3})",
     {R"("ab")", R"("é漢")", R"("a\n\u0041")", R"("\ud83d\ude00x")"},
     {R"("a")", R"("abcd")", R"("\ud83d\ude00")"}},
    {R"({"type":"string","pattern":"^[a-c]+\\d{2}$"})",
     {R"("a12")", R"("abc99")"},
     {R"("a1")", R"("xa12")", R"("a123")"}},
    {R"({"type":"string","pattern":"ab|^c$"})",
     {R"("xaby")", R"("c")", R"("ab")"},
     {R"("xc")", R"("a")"}},
    {R"({"type":"string","pattern":"^(foo|ba(r|z)?)?[^\"a]$"})",
     {R"("foox")", R"("baz\\")", R"("b")"},
     {R"("fooa")", R"("foo\"")"}},
    {R"({"type":"string","format":"date"})",
     {R"("2024-02-28")", R"("1999-12-31")"},
     {R"("2024-02-30")", R"("2024-13-01")", R"("24-01-01")"}},
    {R"({"type":"string","format":"ipv4"})",
     {R"("10.0.255.1")"},
     {R"("10.0.256.1")", R"("1.2.3")"}},
    {R"({"type":"integer"})",
     {"0", "-1", "123456789012345"},
     {"01", "1.0", "-", "1e3", "1234567890123456"}},
    {R"({"type":"number"})",
     {"0", "-1.5", "1e10", "2.5E-3"},
     {"01", ".5", "1.", "+1", "NaN", "1e999"}},
    {R"({"type":"integer","minimum":-12,"maximum":105})",
     {"-12", "-9", "0", "7", "99", "105"},
     {"-13", "106", "-0", "200", "-100"}},
    {R"({"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":101})",
     {"10", "100", "55"},
     {"9", "101", "5"}},
    {R"({"type":"integer","minimum":99.5})", {"100", "100000"}, {"99", "-5", "0"}},
    {R"({"type":"integer","maximum":-100})", {"-100", "-99999"}, {"-99", "0", "100"}},
    {R"({"type":"number","minimum":0.25,"maximum":2})",
     {"0.25", "0.3", "1", "1.999", "2", "2.0", "0.2500"},
     {"0.2", "0", "2.1", "2.01", "0.249", "-1", "1e0"}},
    {R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1})",
     {"0.5", "0.999", "0.01"},
     {"0", "0.0", "1", "1.0", "-0.5"}},
    {R"({"type":"number","minimum":-1.5,"maximum":-0.5})",
     {"-1.5", "-1", "-0.5", "-0.75"},
     {"-0.4", "-1.6", "0", "1"}},
    {R"({"type":"number","minimum":1.25,"maximum":1.75})",
     {"1.25", "1.5", "1.75", "1.3"},
     {"1.2", "1.76", "1", "2"}},
    {R"({"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991})",
     {"0", "-999999999999999"},
     {}},
    {R"({"type":"number","minimum":0,"maximum":1e300})", {"0", "999999999999999", "0.5"}, {"-1"}},
    {R"({"type":"integer","multipleOf":7})", {"0", "7", "-14", "1001"}, {"8", "-1", "07"}},
    {R"({"type":"number","multipleOf":0.01})", {"0", "1.25", "-3.5"}, {"1.255"}},
    {R"({"enum":["a",1,null,true,{"x":[1.5]}]})",
     {R"("a")", "1", "null", "true", R"({"x":[1.5]})"},
     {"2", "false", R"("b")"}},
    {R"({"const":"é\n"})", {R"("é\n")"}, {R"("e")"}},
    {R"({"type":["integer","null"]})", {"1", "null"}, {R"("a")"}},
    {R"({"anyOf":[{"type":"boolean"},{"type":"array","items":{"type":"integer"},"maxItems":2}]})",
     {"true", "[]", "[1, 2]", "[1,2]"},
     {"[1,2,3]", "1"}},
    {R"({"type":"array","items":{"const":1},"minItems":2,"maxItems":3})",
     {"[1,1]", "[1,1,1]", "[ 1, 1 ]"},
     {"[1]", "[1,1,1,1]", "[]"}},
    {R"({"type":"array","prefixItems":[{"const":1},{"type":"string"}],"items":false})",
     {R"([1,"a"])"},
     {R"([1])", R"([1,"a",2])"}},
    {R"({"type":"array","prefixItems":[{"const":1}],"items":{"const":2},"minItems":2})",
     {"[1,2]", "[1,2,2]"},
     {"[1]", "[1,1]"}},
    {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"},"c":{"const":3}},"required":["b"],"additionalProperties":false})",
     {R"({"a":1,"b":null,"c":3})", R"({"b":null})", R"({"b": null, "c": 3})",
      "{\n  \"a\": 1,\n  \"b\": null\n}"},
     {R"({"a":1})", R"({})", R"({"b":null,"a":1})", R"({"b":null,})", R"({,"b":null})",
      R"({"b":null,"d":1})"}},
    {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}},"additionalProperties":false})",
     {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
     {R"({"a":1 "b":2})", R"({"a":2})"}},
    {R"({"type":"object","properties":{"ab":{"const":1}},"additionalProperties":{"type":"integer"}})",
     {R"({"ab":1,"a":5,"abc":6,"":7})", R"({"x":2})"},
     {R"({"ab":5})", R"({"a":5,"ab":9})", R"({"a":"x"})", R"({"a\u0062":5})"}},
    {R"({"type":"object","required":["x"],"additionalProperties":true})",
     {R"({"x":[{}]})"},
     {"{}"}},
    {R"({"type":"object"})", {"{}", R"({"a":{"b":[1,{}]}})"}, {"[]", "1"}},
    {R"({"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}},"$ref":"#/$defs/n"})",
     {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":null}})"},
     {R"({"v":1})"}},
    {R"({"type":"array","items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[1]"}},
    {R"({"allOf":[{"type":"null"}],"description":"x"})", {"null"}, {"1"}},
    {R"({})", {"1", "{}", R"([{"a":null}])"}, {"", "{"}},
    {"true", {"1"}, {""}},
};

TEST(JsonSchema, matches_what_it_accepts) {
  for (const Case& one : kAccepted) {
    const auto grammar = compile(one.schema);
    for (const char* text : one.good) {
      EXPECT_TRUE(matches(grammar, text)) << one.schema << " " << text;
      EXPECT_TRUE(validates(json::parse(one.schema), json::parse(text)))
          << one.schema << " " << text;
    }
    for (const char* text : one.bad)
      EXPECT_FALSE(matches(grammar, text)) << one.schema << " " << text;
  }
}

TEST(JsonSchema, refuses_by_name_what_it_cannot_keep) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":"object","patternProperties":{}})", "'patternProperties'"},
      {R"({"oneOf":[{}]})", "'oneOf'"},
      {R"({"not":{}})", "'not'"},
      {R"({"type":"object","properties":{"a/b":{"type":"array","uniqueItems":true}}})",
       "#/properties/a~1b: 'uniqueItems'"},
      {R"({"type":"string","format":"color"})", "this format"},
      {R"_({"type":"string","pattern":"(?=a)"})_", "looking ahead"},
      {R"({"type":"string","pattern":"(a)\\1"})", "a reference back"},
      {R"({"type":"string","pattern":"a$b"})", "an anchor"},
      {R"({"type":"string","pattern":"["})", "not a regular expression"},
      {R"({"type":"string","pattern":"a","minLength":1})", "more than one of"},
      {R"({"type":"text"})", "no type"},
      {R"({"$ref":"#/$defs/x"})", "leads nowhere"},
      {R"({"$ref":"other.json"})", "a reference elsewhere"},
      {R"({"$ref":"#","type":"object"})", "beside '$ref'"},
      {R"({"type":"integer","minimum":5,"maximum":4})", "no integer"},
      {R"({"type":"integer","multipleOf":3,"minimum":4})", "together with bounds"},
      {R"({"type":"number","multipleOf":0.3})", "this divisor"},
      {R"({"type":"number","exclusiveMinimum":0.1234567891})", "more than 9 digits"},
      {R"({"type":"array","minItems":3,"maxItems":2})", "no number of items"},
      {R"({"type":"object","required":["a"],"additionalProperties":false})", "impossible"},
      {R"({"enum":[1],"type":"string"})", "none of its values"},
      {R"({"allOf":[{},{}]})", "more than one schema"},
      {R"([])", "a schema is an object"},
      {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", "no text matches"},
      {R"({"$ref":"#"})", "begin with itself"},
  };
  for (const auto& [schema, message] : cases) {
    const Result<Grammar> grammar = grammar_of(json::parse(schema));
    ASSERT_FALSE(grammar.has_value()) << schema;
    EXPECT_NE(grammar.error().message.find(message), std::string::npos)
        << schema << ": " << grammar.error().message;
  }
}

TEST(JsonSchema, has_limits) {
  json::object definitions;
  for (int i = 0; i < 500; ++i) {
    definitions[fmt::format("d{}", i)] = json::object{
        {"type", "array"}, {"items", json::object{{"$ref", fmt::format("#/$defs/d{}", i + 1)}}}};
  }
  definitions["d500"] = true;
  const json::object chain{{"$ref", "#/$defs/d0"}, {"$defs", definitions}};
  EXPECT_NE(grammar_of(chain).error().message.find("nested more deeply"), std::string::npos);
  json::object properties;
  properties[std::string(100000, 'n')] = true;
  const json::object name{{"properties", properties}, {"additionalProperties", true}};
  EXPECT_NE(grammar_of(name).error().message.find("this long"), std::string::npos);
  json::array values;
  for (int i = 0; i < 300; ++i) values.push_back(json::value(std::string(10000, 'x')));
  EXPECT_EQ(grammar_of(json::object{{"enum", values}}).error().kind, ErrorKind::exhausted);
  properties.clear();
  for (int i = 0; i < 2000; ++i) properties[fmt::format("p{}", i)] = json::object{{"type", "null"}};
  EXPECT_TRUE(grammar_of(json::object{{"properties", properties}}).has_value());
}

TEST(JsonSchema, allows_any_object_but_not_any_depth) {
  JsonGrammar grammar;
  const auto object = with_tokens(Grammar::compile(grammar.finish(grammar.any_object())).value());
  EXPECT_TRUE(matches(object, R"({"a":[1,{"b":null}],"c":"d"})"));
  EXPECT_FALSE(matches(object, "[]"));
  const auto nested = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += "{\"a\":";
    text += "1";
    for (size_t i = 0; i < depth; ++i) text += "}";
    return text;
  };
  EXPECT_TRUE(matches(object, nested(kJsonNestingMax)));
  EXPECT_FALSE(matches(object, nested(kJsonNestingMax + 1)));
}

TEST(JsonSchema, has_masks_that_are_exact) {
  for (
      const char* schema :
      {R"({"type":"object","properties":{"name":{"type":"string","maxLength":5},"n":{"type":"number","minimum":-1.5,"maximum":20.25}},"required":["name"],"additionalProperties":{"type":"boolean"}})",
       R"({"type":"array","items":{"type":"string","pattern":"^a+(b|\\d)*$"},"minItems":1})",
       "true"}) {
    const auto grammar = compile(schema);
    for (uint64_t seed = 0; seed < 4; ++seed) walk_at_random(grammar, seed, 20, true);
  }
}

// 200 random schemas, answers that their masks allow: all are JSON, and all are what the schema asks.
TEST(JsonSchema, gives_answers_that_validate) {
  int done = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const json::value schema = RandomSchema(random).make(3);
    Result<Grammar> compiled = grammar_of(schema);
    ASSERT_TRUE(compiled.has_value()) << json::serialize(schema) << compiled.error().message;
    const auto grammar = with_tokens(std::move(*compiled));
    for (uint64_t walk = 0; walk < 5; ++walk) {
      const std::string text = walk_at_random(grammar, seed * 100 + walk, 60, false);
      if (text.empty()) continue;
      boost::system::error_code error;
      const json::value value = json::parse(text, error);
      ASSERT_FALSE(error) << text;
      ASSERT_TRUE(validates(schema, value)) << json::serialize(schema) << "\n" << text;
      ++done;
    }
  }
  EXPECT_GT(done, 900);
}

}  // namespace
}  // namespace sotto::text
