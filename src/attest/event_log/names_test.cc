// Events in words, and which of the words were measured.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/systemd_log.h"
#include "attest/event_log/uki.h"
#include "attest/event_log/vectors_for_testing.h"

namespace sotto::attest::event_log {
namespace {

using ::testing::HasSubstr;
using testing::read_bytes;
using testing::vectors;

std::vector<uint8_t> sha256(std::string_view text) {
  return *hash(kSha256, {as_bytes(text)});
}

std::string utf16(std::string_view text) {
  std::string wide;
  for (const char c : text) wide += {c, '\0'};
  return wide;
}

// A log of one event whose digest is that of `measured`.
Description describe_one(uint32_t type, std::string_view data, std::string_view measured) {
  const std::vector<uint8_t> digest = sha256(measured);
  Event event;
  event.type = type;
  event.digests = {{kSha256, digest}};
  event.data = as_bytes(data);
  return describe(event, kSha256);
}

TEST(EventNames, say_whether_the_words_were_measured) {
  const auto grub = describe_one(kEvIpl, std::string_view("grub_cmd: set x=1\0", 18), "set x=1");
  EXPECT_EQ(grub.text, "grub_cmd: set x=1");
  EXPECT_EQ(grub.proof, Proof::digest);
  EXPECT_EQ(describe_one(kEvIpl, "grub_cmd: set x=1", "set x=2").proof, Proof::none);

  const std::string line = utf16(std::string_view("root=/dev/vda\0", 14));
  const auto cmdline = describe_one(kEvIpl, line, line);
  EXPECT_EQ(cmdline.text, "root=/dev/vda");
  EXPECT_EQ(cmdline.proof, Proof::digest);

  const std::string_view zeros("\0\0\0\0", 4);
  EXPECT_EQ(describe_one(kEvSeparator, zeros, zeros).proof, Proof::digest);
  EXPECT_EQ(describe_one(kEvSeparator, zeros, "x").proof, Proof::contradicted);
  EXPECT_EQ(
      describe_one(kEvEfiAction, "Exit Boot Services Invocation", "Exit Boot Services Invocation")
          .proof,
      Proof::digest);
  EXPECT_EQ(type_name(0x12345), "type 0x00012345");
}

TEST(EventNames, are_printable_and_short_whatever_the_data) {
  const std::string data(5000, '\x1b');
  for (const uint32_t type : {kEvIpl, kEvEventTag, kEvEfiVariableBoot, kEvNoAction, kEvSeparator,
                              kEvEfiBootServicesApplication, 0x77777777u}) {
    const auto description = describe_one(type, data, "");
    EXPECT_LE(description.text.size(), 400u);
    EXPECT_TRUE(std::ranges::all_of(description.text, [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

size_t count_contradictions(const Log& log, uint16_t algorithm) {
  size_t count = 0;
  for (const Event& event : log.events) {
    count += describe(event, algorithm).proof == Proof::contradicted ? 1 : 0;
  }
  return count;
}

TEST(EventNameVectors, of_real_logs_name_variables_files_commands_and_sections) {
  SKIP_WITHOUT_VECTORS();
  struct Case {
    const char* file;
    std::vector<const char*> proven;
    std::vector<const char*> told;
  };
  const Case cases[] = {
      {"tpm2-software_tpm2-tools/event-sd-boot-fedora37.bin",
       {"variable SecureBoot (8be4df61-93ca-11d2-aa0d-00e098032b8c) = 0 bytes",
        " console=ttyS0 console=tty0", "separator"},
       {"initrd (EFI stub): Linux initrd"}},
      {"Dstack-TEE_dstack/tpm_eventlog.bin",
       {"UKI section .linux: name", "UKI section .sbat: name"},
       {"UKI section .cmdline: contents", "kernel command line (EFI stub)"}},
      {"google_go-tpm-tools/ubuntu-2404-amd-sevsnp.bin",
       {"grub_cmd: ", "kernel_cmdline: "},
       {"image \\EFI\\ubuntu\\grubx64.efi"}},
  };
  for (const Case& one : cases) {
    const auto bytes = read_bytes(vectors() / "eventlogs" / one.file);
    const auto log = parse_log(bytes, Registers::pcrs);
    ASSERT_TRUE(log.has_value()) << log.error().message;
    std::string proven, told;
    for (const Event& event : log->events) {
      const Description description = describe(event, kSha256);
      (description.proof == Proof::digest ? proven : told) += description.text + "\n";
    }
    for (const char* text : one.proven) EXPECT_THAT(proven, HasSubstr(text)) << one.file;
    for (const char* text : one.told) EXPECT_THAT(told, HasSubstr(text)) << one.file;
    EXPECT_EQ(count_contradictions(*log, kSha256), 0u) << one.file;
  }
}

TEST(UkiVectors, list_the_sections_that_were_measured) {
  SKIP_WITHOUT_VECTORS();
  const auto bytes = read_bytes(vectors() / "eventlogs/Dstack-TEE_dstack/tpm_eventlog.bin");
  const auto log = parse_log(bytes, Registers::pcrs);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  const auto sections = uki_sections(*log, kSha256);
  ASSERT_TRUE(sections.has_value()) << sections.error().message;
  std::vector<std::string> names;
  for (const UkiSection& section : *sections) names.push_back(section.name);
  EXPECT_THAT(names,
              ::testing::ElementsAre(".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat"));
  EXPECT_EQ(sections->front().digest.size(), 32u);
  // A digest of SHA-384 does not vouch for SHA-256's names.
  EXPECT_EQ(uki_sections(*log, kSha384)->front().digest.size(), 48u);
  EXPECT_EQ(uki_sections(*log, kSha512).error().kind, ErrorKind::unsupported);
}

Event ipl(const std::string& data, const std::vector<uint8_t>& digest) {
  Event event;
  event.reg = kPcrKernelBoot;
  event.type = kEvIpl;
  event.digests = {{kSha256, digest}};
  event.data = as_bytes(data);
  return event;
}

TEST(Uki, sections_are_pairs_whose_name_was_measured) {
  const std::string linux_name = utf16(std::string_view(".linux\0", 7));
  const std::string osrel_name = utf16(std::string_view(".osrel\0", 7));
  const auto linux_digest = sha256(std::string_view(".linux\0", 7));
  const auto contents = sha256("contents");
  Log log;
  EXPECT_TRUE(uki_sections(log, kSha256)->empty());
  log.events = {ipl(linux_name, linux_digest), ipl(linux_name, contents)};
  ASSERT_EQ(uki_sections(log, kSha256)->size(), 1u);
  EXPECT_EQ(uki_sections(log, kSha256)->front().digest, contents);
  log.events = {ipl(linux_name, contents), ipl(linux_name, linux_digest)};
  EXPECT_THAT(uki_sections(log, kSha256).error().message, HasSubstr("not the measurement"));
  log.events = {ipl(linux_name, linux_digest)};
  EXPECT_THAT(uki_sections(log, kSha256).error().message, HasSubstr("no contents"));
  log.events = {ipl(linux_name, linux_digest), ipl(osrel_name, contents)};
  EXPECT_THAT(uki_sections(log, kSha256).error().message, HasSubstr("no contents"));
}

std::string record(std::string_view phase, std::string_view measured, int pcr) {
  std::string hex;
  for (const uint8_t byte : sha256(measured)) hex += fmt::format("{:02x}", byte);
  return fmt::format(
      "\x1e{{\"pcr\":{},\"digests\":[{{\"hashAlg\":\"sha256\",\"digest\":\"{}\"}}],"
      "\"content_type\":\"systemd\",\"content\":{{\"string\":\"{}\",\"eventType\":\"phase\"}}}}\n",
      pcr, hex, phase);
}

TEST(SystemdLog, extends_what_the_firmware_left_and_proves_its_words) {
  const auto records = parse_systemd_log(record("enter-initrd", "enter-initrd", 11) +
                                         record("leave-initrd", "other", 11));
  ASSERT_TRUE(records.has_value()) << records.error().message;
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].text, "enter-initrd");
  EXPECT_EQ((*records)[0].event_type, "phase");
  EXPECT_TRUE((*records)[0].is_proven(kSha256));
  EXPECT_FALSE((*records)[1].is_proven(kSha256));
  EXPECT_FALSE((*records)[0].is_proven(kSha384));
  RegisterValues values{{11, std::vector<uint8_t>(32, 1)}};
  ASSERT_TRUE(replay(*records, kSha256, values).has_value());
  const auto first = *hash(kSha256, {std::vector<uint8_t>(32, 1), sha256("enter-initrd")});
  EXPECT_EQ(values.at(11), *hash(kSha256, {first, sha256("other")}));
  EXPECT_EQ(replay(*records, kSha384, values).error().kind, ErrorKind::unsupported);
}

TEST(SystemdLog, is_refused_where_a_record_is_not_one) {
  const std::string good = record("ready", "ready", 11);
  for (const std::string& bad :
       {std::string("x"), good.substr(1), good.substr(0, good.size() / 2), record("x", "x", 24),
        record("x", "x", -1), std::string("\x1e[]\n"),
        std::string("\x1e{\"pcr\":11,\"digests\":[],\"content_type\":\"ima\"}\n")}) {
    EXPECT_FALSE(parse_systemd_log(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace sotto::attest::event_log
