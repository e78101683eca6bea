// Reading and writing statements.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/statement.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

namespace json = boost::json;

constexpr int64_t kVersion = 1;

Result<void> check_members(const json::object& object,
                           std::initializer_list<std::string_view> known, std::string_view where) {
  for (const auto& [name, value] : object) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) {
      return fail(ErrorKind::malformed, "{}: a member that version {} does not have", where,
                  kVersion);
    }
  }
  return {};
}

Result<std::string> name_of(const json::object& object, std::string_view name,
                            std::string_view where) {
  const std::string_view text = TRY(json_string(object, name, where));
  if (text.empty() || text.size() > kStatementNameBytesMax) {
    return fail(ErrorKind::exhausted, "{}: {} of {} bytes; 1 to {}", where, name, text.size(),
                kStatementNameBytesMax);
  }
  return std::string(text);
}

Result<crypto::Sha256Digest> digest_of(std::string_view text, std::string_view name,
                                       std::string_view where) {
  const Result<std::vector<uint8_t>> bytes = bytes_of_hex(text);
  crypto::Sha256Digest digest;
  if (!bytes || bytes->size() != digest.size()) {
    return fail(ErrorKind::malformed, "{}: {} is no SHA-256 in hexadecimal", where, name);
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Result<crypto::Sha256Digest> digest_of(const json::object& object, std::string_view name,
                                       std::string_view where) {
  return digest_of(TRY(json_string(object, name, where)), name, where);
}

Result<const json::array*> list_of(const json::object& object, std::string_view name, size_t max,
                                   std::string_view where) {
  const json::value* list = TRY(json_member(object, name, where));
  if (!list->is_array()) return fail(ErrorKind::malformed, "{}: {} is no list", where, name);
  const json::array& array = list->get_array();
  if (array.size() <= max) return &array;
  return fail(ErrorKind::exhausted, "{}: {} {}; at most {}", where, array.size(), name, max);
}

Result<int64_t> time_of(const json::object& object, std::string_view name) {
  const std::string_view text = TRY(json_string(object, name, "statement"));
  const Result<int64_t> time = parse_utc_time(text);
  if (!time) return within("statement: " + std::string(name), time.error());
  return time;
}

// Base64url, or nothing where the node has none; `size` 0: any up to the limit.
Result<std::vector<uint8_t>> key_of(const json::object& object, std::string_view name,
                                    size_t size) {
  if (!object.contains(name)) return std::vector<uint8_t>();
  const std::string_view text = TRY(json_string(object, name, "statement"));
  Result<std::vector<uint8_t>> bytes = bytes_of_base64(text, Base64::url);
  if (!bytes || bytes->empty() || bytes->size() > kStatementKeysBytesMax ||
      (size != 0 && bytes->size() != size)) {
    return fail(ErrorKind::malformed, "statement: {} is no key", name);
  }
  return bytes;
}

Result<StatedModel> model_of(const json::value& value) {
  constexpr std::string_view kWhere = "statement: a model";
  if (!value.is_object()) return fail(ErrorKind::malformed, "{} is no object", kWhere);
  const json::object& object = value.get_object();
  TRY(check_members(object, {"name", "file_sha256", "model_root"}, kWhere));
  StatedModel model;
  model.name = TRY(name_of(object, "name", kWhere));
  const json::array* files = TRY(list_of(object, "file_sha256", kStatementFilesMax, kWhere));
  for (const json::value& file : *files) {
    const bool text = file.is_string();
    model.file_sha256.push_back(
        TRY(digest_of(text ? std::string_view(file.get_string()) : "", "file_sha256", kWhere)));
  }
  if (files->empty()) return fail(ErrorKind::malformed, "{}: no file", kWhere);
  model.model_root = TRY(digest_of(object, "model_root", kWhere));
  return model;
}

Result<std::vector<StatedModel>> models_of(const json::object& object) {
  const json::array* array = TRY(list_of(object, "models", kStatementModelsMax, "statement"));
  std::vector<StatedModel> models;
  for (const json::value& value : *array) {
    models.push_back(TRY(model_of(value)));
    for (size_t i = 0; i + 1 < models.size(); ++i) {
      if (models[i].name != models.back().name) continue;
      return fail(ErrorKind::malformed, "statement: two models of one name");
    }
  }
  return models;
}

}  // namespace

Result<Statement> parse_statement(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kStatementBytesMax));
  if (!value.is_object()) return fail(ErrorKind::malformed, "statement: no JSON object");
  const json::object& object = value.get_object();
  if (const int64_t version = TRY(json_integer(object, "version", "statement"));
      version != kVersion) {
    return fail(ErrorKind::unsupported, "statement: version {}; this program knows {}", version,
                kVersion);
  }
  TRY(check_members(object,
                    {"version", "program", "platform", "numerics", "configuration_sha256", "models",
                     "tls_spki_sha256", "ohttp_keys", "receipt_key", "started_at", "valid_until"},
                    "statement"));
  const json::object& program = *TRY(json_object(object, "program", "statement"));
  TRY(check_members(program, {"name", "version", "sha256"}, "statement: program"));
  if (TRY(json_string(program, "name", "statement: program")) != "sotto") {
    return fail(ErrorKind::unsupported, "statement: it is another program's");
  }
  Statement statement;
  statement.program_version = TRY(name_of(program, "version", "statement: program"));
  statement.program_sha256 = TRY(digest_of(program, "sha256", "statement: program"));
  statement.platform = TRY(name_of(object, "platform", "statement"));
  const int64_t numerics = TRY(json_integer(object, "numerics", "statement"));
  if (numerics < 1 || numerics > UINT32_MAX) {
    return fail(ErrorKind::malformed, "statement: numerics {}", numerics);
  }
  statement.numerics = static_cast<uint32_t>(numerics);
  statement.configuration_sha256 = TRY(digest_of(object, "configuration_sha256", "statement"));
  statement.models = TRY(models_of(object));
  statement.tls_spki_sha256 = TRY(key_of(object, "tls_spki_sha256", 32));
  statement.ohttp_keys = TRY(key_of(object, "ohttp_keys", 0));
  statement.receipt_key = TRY(key_of(object, "receipt_key", 32));
  statement.started_at = TRY(time_of(object, "started_at"));
  statement.valid_until = TRY(time_of(object, "valid_until"));
  return statement;
}

std::string serialize(const Statement& statement) {
  json::object object;
  object["version"] = kVersion;
  object["program"] = {{"name", "sotto"},
                       {"version", statement.program_version},
                       {"sha256", hex_of(statement.program_sha256)}};
  object["platform"] = statement.platform;
  object["numerics"] = statement.numerics;
  object["configuration_sha256"] = hex_of(statement.configuration_sha256);
  json::array models;
  for (const StatedModel& model : statement.models) {
    json::array files;
    for (const crypto::Sha256Digest& file : model.file_sha256) files.emplace_back(hex_of(file));
    models.push_back({{"name", model.name},
                      {"file_sha256", std::move(files)},
                      {"model_root", hex_of(model.model_root)}});
  }
  object["models"] = std::move(models);
  const auto add_key = [&](std::string_view name, const std::vector<uint8_t>& key) {
    if (!key.empty()) object[name] = base64_of(key, Base64::url);
  };
  add_key("tls_spki_sha256", statement.tls_spki_sha256);
  add_key("ohttp_keys", statement.ohttp_keys);
  add_key("receipt_key", statement.receipt_key);
  object["started_at"] = utc_time_text(statement.started_at);
  object["valid_until"] = utc_time_text(statement.valid_until);
  return json::serialize(object);
}

}  // namespace sotto::attest
