// Statements are read strictly; the page's examples are what the code makes.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/statement.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "attest/bundle/binding.h"
#include "attest/bundle/settings_log.h"
#include "attest/event_log/cel.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

Statement example() {
  Statement statement;
  statement.program_version = "0.1.0";
  statement.program_sha256.fill(0x01);
  statement.platform = "intel-tdx";
  statement.configuration_sha256.fill(0x02);
  statement.models.push_back({"demo", {{}}, {}});
  statement.models[0].file_sha256[0].fill(0x03);
  statement.models[0].model_root.fill(0x04);
  statement.tls_spki_sha256 = std::vector<uint8_t>(32, 0x05);
  statement.receipt_key = std::vector<uint8_t>(32, 0x06);
  statement.started_at = 1'750'000'000;
  statement.valid_until = 1'750'604'800;
  return statement;
}

TEST(Statement, reads_back_what_it_writes) {
  Statement statement = example();
  statement.ohttp_keys = {1, 2, 3};
  const std::string text = serialize(statement);
  const Result<Statement> read = parse_statement(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(serialize(*read), text);
  EXPECT_EQ(read->ohttp_keys, statement.ohttp_keys);
  EXPECT_EQ(read->valid_until, statement.valid_until);
}

TEST(Statement, is_read_strictly) {
  const std::string good = serialize(example());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return parse_statement(text);
  };
  ASSERT_TRUE(with("demo", "Demo"));
  const struct {
    std::string_view from, to;
    ErrorKind kind;
  } cases[] = {
      {R"({"version":1)", R"({"version":2)", ErrorKind::unsupported},
      {R"({"version":1)", R"({"version":"1")", ErrorKind::malformed},
      {R"({"version":1)", R"({"version":1,"more":1)", ErrorKind::malformed},
      {R"({"version":1)", R"({"version":1,"version":1)", ErrorKind::malformed},
      {R"("name":"sotto")", R"("name":"other")", ErrorKind::unsupported},
      {R"("name":"demo")", R"("name":"")", ErrorKind::exhausted},
      {R"("numerics":1)", R"("numerics":0)", ErrorKind::malformed},
      {R"("numerics":1)", R"("numerics":4294967296)", ErrorKind::malformed},
      {"0202", "02", ErrorKind::malformed},
      {"0303", "030g", ErrorKind::malformed},
      {R"(["0303)", R"([1,"0303)", ErrorKind::malformed},
      {R"("models":[)", R"("models":[1,)", ErrorKind::malformed},
      {R"("models":[)", R"("models":{"a":[)", ErrorKind::malformed},
      {"BQUF", "BQ", ErrorKind::malformed},
      {"2025-06-15T", "2025-06-15 ", ErrorKind::malformed},
  };
  for (const auto& [from, to, kind] : cases) {
    const Result<Statement> read = with(from, to);
    ASSERT_FALSE(read) << from << " to " << to;
    EXPECT_EQ(read.error().kind, kind) << read.error().message;
  }
  std::string twice = good;
  const size_t at = twice.find("[{");
  const size_t end = twice.find("}]");
  twice.insert(end + 1, "," + twice.substr(at + 1, end - at));
  EXPECT_FALSE(parse_statement(twice)) << twice;
  EXPECT_FALSE(parse_statement(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(parse_statement(good + "{}"));
  EXPECT_FALSE(parse_statement(""));
}

TEST(SettingsLog, is_a_canonical_event_log_that_gives_the_register) {
  const Statement statement = example();
  for (const auto registers : {event_log::Registers::rtmrs, event_log::Registers::pcrs}) {
    const std::vector<uint8_t> log = settings_log(statement, registers);
    const auto records = event_log::parse_cel(log);
    ASSERT_TRUE(records) << records.error().message;
    ASSERT_EQ(records->size(), 2u);
    EXPECT_EQ(records->at(0).text(), "sotto: model_root=" + hex_of(statement.models[0].model_root));
    constexpr uint16_t kSha384 = 0x0c;
    EXPECT_TRUE(records->at(0).is_proven(kSha384));
    event_log::RegisterValues values;
    ASSERT_TRUE(event_log::replay(*records, registers, kSha384, values));
    const bool rtmrs = registers == event_log::Registers::rtmrs;
    EXPECT_EQ(values.at(rtmrs ? kSettingsRtmr + 1 : kSettingsPcr),
              settings_register(statement, crypto::HashAlgorithm::sha384));
  }
}

// docs/protocols/attestation.md shows these bytes.
TEST(AttestationPage, has_the_bytes_that_the_code_makes) {
  std::ifstream file(SOTTO_SOURCE_DIR "/docs/protocols/attestation.md");
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto expect = [&](const std::string& text) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  };
  const std::string text = serialize(example());
  expect(text);
  const std::vector<uint8_t> nonce(16, 0xaa);
  const auto binding = binding_of(nonce, as_bytes(text));
  expect(hex_of(binding));
  expect(hex_of(binding_of({}, as_bytes(text))));
  expect(hex_of(qualifying_data_of(binding)));
  expect(hex_of(gpu_nonce_of(as_bytes("evidence"), binding)));
  expect(hex_of(settings_events(example()).at(0)));
  expect(hex_of(settings_register(example(), crypto::HashAlgorithm::sha384)));
  expect(hex_of(settings_register(example(), crypto::HashAlgorithm::sha256)));
}

}  // namespace
}  // namespace sotto::attest
