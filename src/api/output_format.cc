// Formats and efforts.
// SPDX-License-Identifier: Apache-2.0
#include "api/output_format.h"

#include <utility>

namespace sotto::api {

namespace json = boost::json;

namespace {

// name, description and strict say nothing that the schema does not: answers always keep to it.
ApiResult<json::value> read_schema(Fields& fields) {
  TRY(fields.string("name", 256));
  TRY(fields.string("description", 1 << 16));
  TRY(fields.boolean("strict"));
  const json::value* schema = fields.take("schema");
  const std::string path = fields.name_of("schema");
  if (schema == nullptr || !schema->is_object()) {
    return invalid(path, "{} is missing, or not an object", path);
  }
  TRY(fields.done());
  return *schema;
}

}  // namespace

ApiResult<OutputFormat> read_output_format(Fields& fields, std::string_view field,
                                           bool schema_inside) {
  OutputFormat format;
  const std::string path = fields.name_of(field);
  const json::object* object = TRY(fields.object(field));
  if (object == nullptr) return format;
  Fields inner(*object, path);
  const auto type = TRY(inner.word("type", {"text", "json_object", "json_schema"}));
  if (!type) return invalid(path + ".type", "{}.type is missing", path);
  if (*type != "json_schema") {
    TRY(inner.done());
    if (*type == "json_object") format.kind = OutputFormat::Kind::json_object;
    return format;
  }
  format.kind = OutputFormat::Kind::json_schema;
  if (!schema_inside) {
    format.schema = TRY(read_schema(inner));
    return format;
  }
  const json::object* schema = TRY(inner.object("json_schema"));
  if (schema == nullptr) return invalid(path + ".json_schema", "{}.json_schema is missing", path);
  TRY(inner.done());
  Fields fields_of_schema(*schema, path + ".json_schema");
  format.schema = TRY(read_schema(fields_of_schema));
  return format;
}

ApiResult<void> read_grammar(Fields& fields, OutputFormat& format) {
  auto grammar = TRY(fields.string("grammar", kGrammarBytesMax));
  if (!grammar) return {};
  if (format.kind != OutputFormat::Kind::text) {
    return invalid("grammar", "grammar and another format exclude each other");
  }
  format.kind = OutputFormat::Kind::grammar;
  format.grammar = std::move(*grammar);
  return {};
}

ApiResult<Reasoning> read_effort(Fields& fields, std::string_view field) {
  Reasoning reasoning;
  const auto effort =
      TRY(fields.word(field, {"none", "minimal", "low", "medium", "high", "xhigh"}));
  if (!effort) return reasoning;
  constexpr std::pair<std::string_view, uint32_t> kBudgets[] = {
      {"none", 0}, {"minimal", 512}, {"low", 2048}, {"medium", 8192}};
  for (const auto& [word, tokens] : kBudgets) {
    if (*effort == word) reasoning.tokens_max = tokens;
  }
  reasoning.off = *effort == "none";
  reasoning.effort = *effort;
  return reasoning;
}

}  // namespace sotto::api
