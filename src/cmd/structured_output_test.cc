// 200 random schemas and what the bundled model answers when it is held to them.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "cmd/model_source.h"
#include "engine/answer_constraint.h"
#include "engine/host.h"
#include "text/json_schema.h"
#include "text/schema_validator_for_testing.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

engine::Request request_for(const engine::Host& host, const json::value& schema, uint64_t seed) {
  text::JsonGrammar grammar;
  text::Expression root = grammar.add_schema(schema).value();
  engine::AnswerRules rules;
  rules.grammar = std::make_shared<text::GrammarTokens>(
      std::make_shared<const text::Grammar>(
          text::Grammar::compile(grammar.finish(std::move(root))).value()),
      host.trie());
  engine::Request request;
  json::array messages;
  messages.push_back({{"role", "user"}, {"content", "Give an example of it."}});
  request.prompt = host.prompts().chat(messages, {}).value().ids;
  request.sampling.temperature = 1;
  request.sampling.seed = seed;
  request.stop_tokens = host.end_tokens();
  request.constraint = std::make_shared<engine::AnswerConstraint>(
      host.tokenizer(), std::move(rules), host.end_tokens());
  return request;
}

TEST(StructuredOutput, validates_whatever_the_model_would_rather_say) {
  engine::EngineOptions options;
  options.context = 1024;
  const auto host = engine::Host::open(open_model("demo").value(), 2, options, 1024, {}).value();
  int whole = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const json::value schema = text::RandomSchema(random).make(3);
    auto stream = host->engine().submit(request_for(*host, schema, seed));
    ASSERT_TRUE(stream.has_value());
    text::Detokenizer detokenizer(host->tokenizer());
    std::string answer;
    for (;;) {
      const auto token = stream->next();
      ASSERT_TRUE(token.has_value()) << token.error().message;
      if (!token->has_value()) break;
      answer += detokenizer.push((*token)->id);
    }
    answer += detokenizer.finish();
    // A text without a bound may go on until the context is full.
    if (stream->finish()->reason == engine::FinishReason::length) continue;
    boost::system::error_code error;
    const json::value value = json::parse(answer, error);
    ASSERT_FALSE(error) << answer;
    ASSERT_TRUE(text::validates(schema, value)) << json::serialize(schema) << "\n" << answer;
    ++whole;
  }
  EXPECT_GT(whole, 150);
}

}  // namespace
}  // namespace sotto::cmd
