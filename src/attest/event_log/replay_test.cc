// Event logs of real machines: parsed to their end, replayed to the registers that were quoted.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/vectors_for_testing.h"
#include "attest/event_log/verify.h"

namespace sotto::attest::event_log {
namespace {

namespace fs = std::filesystem;
using testing::from_hex;
using testing::read_bytes;
using testing::read_json;
using testing::read_text;
using testing::vectors;

RegisterValues values_of(const boost::json::object& object) {
  RegisterValues values;
  for (const auto& [reg, value] : object) {
    values[static_cast<uint32_t>(std::stoul(std::string(reg)))] =
        from_hex({value.get_string().data(), value.get_string().size()});
  }
  return values;
}

Registers registers_of(const std::string& verdict) {
  return verdict.find("CCEL algs") != verdict.npos ? Registers::rtmrs : Registers::pcrs;
}

// RTMR0 to RTMR3 of a TD quote of version 4 or 5, as registers 1 to 4.
RegisterValues rtmrs_of(const std::vector<uint8_t>& quote) {
  constexpr size_t kHeaderBytes = 48, kV5BodyHeaderBytes = 6, kRtmrOffset = 328;
  const size_t body = kHeaderBytes + (quote.at(0) == 5 ? kV5BodyHeaderBytes : 0);
  RegisterValues values;
  for (uint32_t i = 0; i < 4; ++i) {
    const auto at = quote.begin() + static_cast<ptrdiff_t>(body + kRtmrOffset + 48 * i);
    values[i + 1] = {at, at + 48};
  }
  return values;
}

TEST(EventLogVectors, end_where_and_hold_what_the_index_says) {
  SKIP_WITHOUT_VECTORS();
  const std::regex events("algs \\[.*\\], ([0-9]+) events, log ends at byte ([0-9]+)");
  size_t checked = 0;
  const auto index = read_json(vectors() / "index.json");
  for (const auto& entry : index.at("eventlogs").as_array()) {
    const std::string verdict(entry.at("verdict").as_string());
    std::string name(entry.at("file").as_string());
    std::smatch match;
    if (!std::regex_search(verdict, match, events)) continue;
    name = name.substr(0, name.find(' '));
    const auto bytes = read_bytes(vectors() / "eventlogs" / name);
    // The one whose header does not say which registers it means.
    const bool is_csv = name.find("CCEL_data_csv") != name.npos;
    const auto log = parse_log(bytes, is_csv ? Registers::rtmrs : registers_of(verdict));
    ASSERT_TRUE(log.has_value()) << name << ": " << log.error().message;
    EXPECT_FALSE(log->legacy) << name;
    EXPECT_EQ(log->events.size(), std::stoul(match[1])) << name;
    EXPECT_EQ(log->bytes, std::stoul(match[2])) << name;
    ++checked;
  }
  EXPECT_EQ(checked, 32u);
}

TEST(EventLogVectors, replay_to_the_values_of_an_independent_replay) {
  SKIP_WITHOUT_VECTORS();
  size_t banks = 0;
  for (const auto& file : fs::recursive_directory_iterator(vectors() / "eventlogs")) {
    constexpr std::string_view kSuffix = ".replay.json";
    const std::string name = file.path().string();
    if (!name.ends_with(kSuffix)) continue;
    const auto bytes = read_bytes(name.substr(0, name.size() - kSuffix.size()));
    const boost::json::value expected = read_json(file.path());
    const bool only_sha384 =
        expected.as_object().size() == 1 && expected.as_object().contains("sha384");
    const auto log = parse_log(bytes, only_sha384 ? Registers::rtmrs : Registers::pcrs);
    ASSERT_TRUE(log.has_value()) << name << ": " << log.error().message;
    for (const auto& [algorithm, values] : expected.as_object()) {
      const auto replayed = replay(*log, *algorithm_named(algorithm));
      ASSERT_TRUE(replayed.has_value()) << name << ": " << replayed.error().message;
      EXPECT_EQ(*replayed, values_of(values.as_object())) << name;
      ++banks;
    }
  }
  EXPECT_GE(banks, 42u);
}

// The registers that tpm2-tools itself printed below its parse of the log.
TEST(EventLogVectors, replay_to_the_values_of_tpm2_tools) {
  SKIP_WITHOUT_VECTORS();
  const std::regex line("\n    ([0-9]+) *: 0x([0-9a-f]+)");
  size_t logs = 0;
  for (const auto& file :
       fs::directory_iterator(vectors() / "eventlogs/tpm2-software_tpm2-tools")) {
    if (file.path().extension() != ".yaml") continue;
    std::string yaml = read_text(file.path());
    const size_t pcrs = yaml.find("\npcrs:\n");
    const size_t sha256 = yaml.find("  sha256:\n", pcrs);
    ASSERT_NE(sha256, yaml.npos) << file.path();
    yaml = yaml.substr(sha256, yaml.find("\n  sha", sha256 + 8) - sha256);
    RegisterValues expected;
    for (std::sregex_iterator at(yaml.begin(), yaml.end(), line), end; at != end; ++at) {
      expected[static_cast<uint32_t>(std::stoul((*at)[1]))] = from_hex((*at)[2].str());
    }
    ASSERT_GE(expected.size(), 9u);
    const auto bytes = read_bytes(file.path().parent_path() / file.path().stem());
    const auto log = parse_log(bytes, Registers::pcrs);
    ASSERT_TRUE(log.has_value()) << log.error().message;
    EXPECT_EQ(*replay(*log, kSha256), expected) << file.path();
    ++logs;
  }
  EXPECT_EQ(logs, 5u);
}

struct QuotedLog {
  const char* log;
  const char* quote;
  std::vector<uint32_t> differing;
};

TEST(EventLogVectors, explain_the_registers_of_their_quotes_or_are_refused) {
  SKIP_WITHOUT_VECTORS();
  const QuotedLog cases[] = {
      {"google_go-eventlog/cos-113-intel-tdx.bin",
       "google_go-tdx-guest/ccel/cos-113-tdx-quote.dat",
       {}},
      {"google_go-eventlog/cos-113-intel-tdx-dupe-separator-unpadded.bin",
       "google_go-tdx-guest/ccel/cos-113-tdx-quote.dat",
       {1, 2}},
      // The kernel's IMA went on extending RTMR2 without telling the firmware's log.
      {"cc-api_cc-trusted-api/ccel_data.bin", "cc-api_cc-trusted-api/quote.bin", {3}},
  };
  for (const QuotedLog& one : cases) {
    const auto bytes = read_bytes(vectors() / "eventlogs" / one.log);
    const auto log = parse_log(bytes, Registers::rtmrs);
    ASSERT_TRUE(log.has_value()) << log.error().message;
    const auto matched =
        match_registers(*replay(*log, kSha384), rtmrs_of(read_bytes(vectors() / "tdx" / one.quote)),
                        Registers::rtmrs);
    ASSERT_EQ(matched.has_value(), one.differing.empty()) << one.log;
    if (matched) continue;
    EXPECT_EQ(matched.error().kind, ErrorKind::untrusted);
    for (uint32_t reg = 1; reg <= 4; ++reg) {
      const bool named = matched.error().message.find(fmt::format("RTMR{}: the log", reg - 1)) !=
                         std::string::npos;
      EXPECT_EQ(named, std::ranges::count(one.differing, reg) == 1) << one.log << " " << reg;
    }
  }
}

// The first 16 KiB of a log of 1 MiB.
TEST(EventLogVectors, are_followed_by_filling_of_zeros_too) {
  SKIP_WITHOUT_VECTORS();
  const auto bytes =
      read_bytes(vectors() / "eventlogs/confidential-containers_trustee/CCEL_data.head");
  const auto log = parse_log(bytes, Registers::rtmrs);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  EXPECT_EQ(log->events.size(), 5u);
  EXPECT_EQ(log->bytes, 9822u);
}

TEST(EventLogVectors, give_a_list_of_what_was_measured) {
  SKIP_WITHOUT_VECTORS();
  const auto bytes = read_bytes(vectors() / "eventlogs/google_go-eventlog/cos-113-intel-tdx.bin");
  Claims claims;
  claims.platform = "intel-tdx";
  EXPECT_EQ(explain_rtmrs(bytes, claims).error().reason, Reason::wrong_kind);
  const auto rtmrs =
      rtmrs_of(read_bytes(vectors() / "tdx/google_go-tdx-guest/ccel/cos-113-tdx-quote.dat"));
  for (const auto& [reg, value] : rtmrs) {
    claims.measurements[fmt::format("rtmr{}", reg - 1)] = value;
  }
  const auto list = explain_rtmrs(bytes, claims);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->size(), 43u);
  EXPECT_EQ(claims.rules.back().name, "ccel-replay");
  const auto has = [&](uint32_t reg, std::string_view text, Proof proof) {
    return std::ranges::any_of(*list, [&](const MeasuredEvent& event) {
      return event.reg == reg && event.proof == proof && event.text.find(text) != event.text.npos;
    });
  };
  EXPECT_TRUE(has(0, "variable SecureBoot", Proof::digest));
  EXPECT_TRUE(has(1, "Exit Boot Services Returned with Success", Proof::digest));
  EXPECT_TRUE(has(2, "grub_cmd: ", Proof::digest));
  claims.measurements["rtmr3"][5] ^= 1;
  const auto refused = explain_rtmrs(bytes, claims);
  EXPECT_EQ(refused.error().reason, Reason::measurement_mismatch);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("RTMR3"));
}

// dstack's JSON log: digests by register, RTMR3's made at run time.
TEST(EventLogVectors, of_dstack_explain_all_four_registers) {
  SKIP_WITHOUT_VECTORS();
  const fs::path folder = vectors() / "eventlogs/Dstack-TEE_dstack-examples";
  boost::json::value report = read_json(folder / "report.json");
  boost::json::value events = report.at("event_log");
  if (events.is_string()) events = boost::json::parse(events.as_string());
  Log log;
  log.registers = Registers::rtmrs;
  log.algorithms = {{kSha384, 48}};
  std::vector<std::vector<uint8_t>> digests;
  for (const auto& event : events.as_array()) {
    digests.push_back(from_hex(std::string_view(event.at("digest").as_string())));
  }
  for (size_t i = 0; i < digests.size(); ++i) {
    Event event;
    event.reg = static_cast<uint32_t>(events.as_array()[i].at("imr").as_int64()) + 1;
    event.digests = {{kSha384, digests[i]}};
    log.events.push_back(event);
  }
  ASSERT_GE(log.events.size(), 10u);
  for (Event& event : log.events) event.type = 1;
  const auto matched = match_registers(
      *replay(log, kSha384), rtmrs_of(read_bytes(folder / "quote.bin")), Registers::rtmrs);
  EXPECT_TRUE(matched.has_value()) << matched.error().message;
}

TEST(EventLogVectors, of_sha1_alone_are_read_too) {
  SKIP_WITHOUT_VECTORS();
  struct Case {
    const char* file;
    size_t events;
    const char* pcr0;
  };
  // PCR 0 as a few lines of Python computed it; the second log's begins with locality 3.
  const Case cases[] = {
      {"google_go-eventlog/tpm/debian-10.bin", 25, "0f2d3a2a1adaa479aeeca8f5df76aadc41b862ea"},
      {"intel_trustauthority-client-for-go/binary_bios_measurements12", 162,
       "7c67915ce2aed1732fb5a9a163837e1f59c8e339"},
  };
  for (const Case& one : cases) {
    const auto bytes = read_bytes(vectors() / "eventlogs" / one.file);
    const auto log = parse_log(bytes, Registers::pcrs);
    ASSERT_TRUE(log.has_value()) << log.error().message;
    EXPECT_TRUE(log->legacy);
    EXPECT_EQ(log->events.size(), one.events);
    EXPECT_EQ(log->bytes, bytes.size());
    EXPECT_EQ(replay(*log, kSha1)->at(0), from_hex(one.pcr0)) << one.file;
    EXPECT_EQ(replay(*log, kSha256).error().kind, ErrorKind::unsupported);
  }
}

TEST(EventLogVectors, with_digests_that_cannot_be_computed_are_read_but_not_replayed) {
  SKIP_WITHOUT_VECTORS();
  const auto bytes =
      read_bytes(vectors() / "eventlogs/confidential-containers_trustee/CCEL_data_csv");
  const auto log = parse_log(bytes, Registers::rtmrs);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  constexpr uint16_t kSm3 = 0x12;
  EXPECT_EQ(log->algorithms[0].id, kSm3);
  EXPECT_EQ(replay(*log, kSm3).error().kind, ErrorKind::unsupported);
}

// A digest's every bit is bound by the quoted register; no bit anywhere may do harm.
TEST(EventLogMutations, of_a_digest_are_refused_and_none_crashes) {
  SKIP_WITHOUT_VECTORS();
  auto bytes = read_bytes(vectors() / "eventlogs/google_go-eventlog/cos-113-intel-tdx.bin");
  const RegisterValues quoted =
      rtmrs_of(read_bytes(vectors() / "tdx/google_go-tdx-guest/ccel/cos-113-tdx-quote.dat"));
  const auto original = parse_log(bytes, Registers::rtmrs);
  ASSERT_TRUE(original.has_value());
  std::vector<bool> is_digest(bytes.size());
  for (const Event& event : original->events) {
    const auto at = static_cast<size_t>(event.digests[0].bytes.data() - bytes.data());
    for (size_t i = 0; i < 48; ++i) is_digest[at + i] = true;
  }
  size_t refused = 0, digest_bits = 0;
  for (size_t bit = 0; bit < original->bytes * 8; ++bit) {
    if (!is_digest[bit / 8] && bit % 5 != 0) continue;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const auto log = parse_log(bytes, Registers::rtmrs);
    const auto values =
        log ? replay(*log, kSha384) : Result<RegisterValues>(within("", log.error()));
    const bool accepted = values && match_registers(*values, quoted, Registers::rtmrs).has_value();
    if (is_digest[bit / 8]) {
      ++digest_bits;
      refused += accepted ? 0 : 1;
    }
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  EXPECT_EQ(digest_bits, 43u * 48 * 8);
  EXPECT_EQ(refused, digest_bits);
}

// A log of our own: one SHA-256 event with these fields.
std::vector<uint8_t> make_log(uint32_t digest_count, uint16_t algorithm, uint32_t reg) {
  ByteWriter out;
  out.write<uint32_t>(0);
  out.write<uint32_t>(3);
  for (int i = 0; i < 20; ++i) out.write<uint8_t>(0);
  out.write<uint32_t>(33);
  out.append(std::string_view("Spec ID Event03\0", 16));
  out.append(std::string_view("\0\0\0\0\0\2\0\2", 8));
  out.write<uint32_t>(1);
  out.write<uint16_t>(kSha256);
  out.write<uint16_t>(32);
  out.write<uint8_t>(0);
  out.write<uint32_t>(reg);
  out.write<uint32_t>(4);
  out.write<uint32_t>(digest_count);
  for (uint32_t i = 0; i < digest_count; ++i) {
    out.write<uint16_t>(algorithm);
    for (int byte = 0; byte < 32; ++byte) out.write<uint8_t>(7);
  }
  out.write<uint32_t>(4);
  out.write<uint32_t>(1);
  return out.release();
}

TEST(EventLog, is_refused_where_it_is_not_what_its_header_says) {
  EXPECT_TRUE(parse_log(make_log(1, kSha256, 0), Registers::pcrs).has_value());
  const auto kind = [](const std::vector<uint8_t>& bytes, Registers registers) {
    const auto log = parse_log(bytes, registers);
    return log ? std::string("accepted") : log.error().message;
  };
  EXPECT_THAT(kind(make_log(2, kSha256, 0), Registers::pcrs), ::testing::HasSubstr("2 digests"));
  EXPECT_THAT(kind(make_log(0, kSha256, 0), Registers::pcrs), ::testing::HasSubstr("0 digests"));
  EXPECT_THAT(kind(make_log(1, kSha1, 0), Registers::pcrs),
              ::testing::HasSubstr("not one of the log's"));
  EXPECT_THAT(kind(make_log(1, kSha256, 24), Registers::pcrs), ::testing::HasSubstr("register 24"));
  EXPECT_THAT(kind(make_log(1, kSha256, 5), Registers::rtmrs), ::testing::HasSubstr("register 5"));
  const auto whole = make_log(1, kSha256, 1);
  for (size_t cut = 1; cut < 54; ++cut) {
    EXPECT_FALSE(parse_log(Bytes(whole).first(whole.size() - cut), Registers::pcrs).has_value())
        << cut;
  }
  EXPECT_EQ(parse_log(std::vector<uint8_t>(kLogBytesMax + 1), Registers::pcrs).error().kind,
            ErrorKind::exhausted);
}

TEST(EventLog, of_a_dynamic_launch_is_refused_by_name) {
  const auto bytes = make_log(1, kSha256, 17);
  const auto log = parse_log(bytes, Registers::pcrs);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  EXPECT_EQ(replay(*log, kSha256).error().kind, ErrorKind::unsupported);
}

TEST(MatchRegisters, wants_registers_without_events_untouched) {
  const std::vector<uint8_t> zeros(32), ones(32, 0xff);
  EXPECT_TRUE(
      match_registers({}, {{10, zeros}, {17, ones}, {23, zeros}}, Registers::pcrs).has_value());
  EXPECT_FALSE(match_registers({}, {{10, ones}}, Registers::pcrs).has_value());
  EXPECT_FALSE(match_registers({{10, ones}}, {{10, zeros}}, Registers::pcrs).has_value());
  EXPECT_TRUE(match_registers({{10, ones}, {11, ones}}, {{10, ones}}, Registers::pcrs).has_value());
}

}  // namespace
}  // namespace sotto::attest::event_log
