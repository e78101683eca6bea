// Reports taken apart: every field at its place, and what is refused before any signature is looked at.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/report.h"

#include <gtest/gtest.h>

#include <vector>

namespace sotto::attest::snp {
namespace {

// Version 2, nothing set but what must be.
std::vector<uint8_t> minimal_report() {
  std::vector<uint8_t> report(kReportBytes);
  report[0] = 2;
  report[0x34] = 1;
  return report;
}

ErrorKind kind_of(const std::vector<uint8_t>& bytes) {
  const auto report = parse_report(bytes);
  EXPECT_FALSE(report.has_value());
  return report ? ErrorKind::internal : report.error().kind;
}

TEST(SnpReport, has_every_field_where_the_specification_puts_it) {
  std::vector<uint8_t> bytes(kReportBytes);
  for (size_t i = 0; i < kSignedBytes; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  for (size_t i = 0; i < 48; ++i) {
    bytes[0x2a0 + i] = static_cast<uint8_t>(i + 1);
    bytes[0x2e8 + i] = static_cast<uint8_t>(i + 101);
  }
  const uint32_t version = 5;
  const uint32_t algorithm = 1;
  const uint32_t key = 1 | 1 << 2;
  std::memcpy(&bytes[0], &version, 4);
  std::memcpy(&bytes[0x34], &algorithm, 4);
  std::memcpy(&bytes[0x48], &key, 4);
  const auto report = parse_report(bytes);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  const auto number = [&](size_t offset, size_t count) {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | bytes[offset + i];
    return value;
  };
  const auto equal = [&](size_t offset, const auto& field) {
    return std::equal(field.begin(), field.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
  };
  EXPECT_EQ(report->version, 5u);
  EXPECT_EQ(report->guest_svn, number(0x04, 4));
  EXPECT_EQ(report->policy, number(0x08, 8));
  EXPECT_TRUE(equal(0x10, report->family_id));
  EXPECT_TRUE(equal(0x20, report->image_id));
  EXPECT_EQ(report->vmpl, number(0x30, 4));
  EXPECT_TRUE(equal(0x38, report->current_tcb));
  EXPECT_EQ(report->platform_info, number(0x40, 8));
  EXPECT_TRUE(report->author_key_enabled);
  EXPECT_EQ(report->signing_key, SigningKey::vlek);
  EXPECT_TRUE(equal(0x50, report->report_data));
  EXPECT_TRUE(equal(0x90, report->measurement));
  EXPECT_TRUE(equal(0xc0, report->host_data));
  EXPECT_TRUE(equal(0xe0, report->id_key_digest));
  EXPECT_TRUE(equal(0x110, report->author_key_digest));
  EXPECT_TRUE(equal(0x140, report->report_id));
  EXPECT_TRUE(equal(0x160, report->report_id_migration_agent));
  EXPECT_TRUE(equal(0x180, report->reported_tcb));
  ASSERT_TRUE(report->cpu.has_value());
  EXPECT_EQ(report->cpu->family, number(0x188, 1));
  EXPECT_EQ(report->cpu->model, number(0x189, 1));
  EXPECT_EQ(report->cpu->stepping, number(0x18a, 1));
  EXPECT_TRUE(equal(0x1a0, report->chip_id));
  EXPECT_TRUE(equal(0x1e0, report->committed_tcb));
  EXPECT_EQ(report->current_firmware.build, number(0x1e8, 1));
  EXPECT_EQ(report->current_firmware.minor, number(0x1e9, 1));
  EXPECT_EQ(report->current_firmware.major, number(0x1ea, 1));
  EXPECT_EQ(report->committed_firmware.major, number(0x1ee, 1));
  EXPECT_TRUE(equal(0x1f0, report->launch_tcb));
  EXPECT_EQ(*report->launch_mitigations, number(0x1f8, 8));
  EXPECT_EQ(*report->current_mitigations, number(0x200, 8));
  EXPECT_TRUE(equal(0, report->signed_bytes));
  EXPECT_EQ(report->signature[0], 48);  // r, its highest byte first
  EXPECT_EQ(report->signature[47], 1);
  EXPECT_EQ(report->signature[48], 148);  // s
  EXPECT_EQ(report->signature[95], 101);
}

TEST(SnpReport, has_fields_of_later_versions_only_there) {
  auto bytes = minimal_report();
  EXPECT_FALSE(parse_report(bytes)->cpu.has_value());
  EXPECT_FALSE(*product_of(*parse_report(bytes)));
  for (const uint8_t version : {3, 4}) {
    bytes[0] = version;
    EXPECT_TRUE(parse_report(bytes)->cpu.has_value());
    EXPECT_FALSE(parse_report(bytes)->current_mitigations.has_value());
  }
  bytes[0] = 5;
  EXPECT_TRUE(parse_report(bytes)->launch_mitigations.has_value());
}

TEST(SnpReport, is_refused_in_other_sizes_versions_and_algorithms) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1183}, size_t{1185}}) {
    EXPECT_EQ(kind_of(std::vector<uint8_t>(size, 2)), ErrorKind::malformed);
  }
  for (const uint8_t version : {0, 1, 6, 255}) {
    auto bytes = minimal_report();
    bytes[0] = version;
    EXPECT_EQ(kind_of(bytes), ErrorKind::unsupported);
  }
  auto bytes = minimal_report();
  bytes[0x34] = 0;
  EXPECT_EQ(kind_of(bytes), ErrorKind::unsupported);
}

TEST(SnpReport, is_refused_when_it_says_that_it_is_not_signed) {
  auto bytes = minimal_report();
  bytes[0x48] = 7 << 2;
  EXPECT_EQ(kind_of(bytes), ErrorKind::untrusted);
  bytes[0x48] = 2;  // MASK_CHIP_KEY
  EXPECT_EQ(kind_of(bytes), ErrorKind::untrusted);
  for (const uint8_t key : {2, 3, 4, 5, 6}) {
    bytes[0x48] = static_cast<uint8_t>(key << 2);
    EXPECT_EQ(kind_of(bytes), ErrorKind::unsupported);
  }
}

TEST(SnpReport, is_refused_with_anything_in_the_unsigned_bytes_around_the_signature) {
  for (size_t at = kSignedBytes; at < kReportBytes; ++at) {
    const bool in_r = at < 0x2a0 + 48;
    const bool in_s = at >= 0x2e8 && at < 0x2e8 + 48;
    auto bytes = minimal_report();
    bytes[at] = 1;
    if (in_r || in_s) {
      EXPECT_TRUE(parse_report(bytes).has_value()) << at;
    } else {
      EXPECT_EQ(kind_of(bytes), ErrorKind::malformed) << at;
    }
  }
}

TEST(SnpReport, names_its_product_by_family_and_model) {
  const auto product = [](uint8_t family, uint8_t model) {
    auto bytes = minimal_report();
    bytes[0] = 3;
    bytes[0x188] = family;
    bytes[0x189] = model;
    return product_of(*parse_report(bytes));
  };
  EXPECT_EQ(*product(0x19, 0x01), Product::milan);
  EXPECT_EQ(*product(0x19, 0x0f), Product::milan);
  EXPECT_EQ(*product(0x19, 0x11), Product::genoa);
  EXPECT_EQ(*product(0x19, 0xa0), Product::genoa);
  EXPECT_EQ(*product(0x1a, 0x02), Product::turin);
  EXPECT_EQ(*product(0x1a, 0x11), Product::turin);
  EXPECT_EQ(product(0x19, 0x20).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(product(0x1a, 0x20).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(product(0x17, 0x31).error().kind, ErrorKind::unsupported);
}

TEST(TcbVersion, has_two_layouts_and_one_order) {
  const TcbBytes bytes = {4, 1, 0, 0, 0, 9, 24, 219};
  EXPECT_EQ(to_string(decode_tcb(bytes, Product::milan)),
            "boot loader 4, TEE 1, SNP 24, microcode 219");
  EXPECT_EQ(to_string(decode_tcb({1, 2, 3, 4, 0, 0, 0, 81}, Product::turin)),
            "FMC 1, boot loader 2, TEE 3, SNP 4, microcode 81");
  EXPECT_TRUE(not_above(bytes, bytes));
  for (size_t part = 0; part < bytes.size(); ++part) {
    TcbBytes newer = bytes;
    newer[part] += 1;
    EXPECT_TRUE(not_above(bytes, newer)) << part;
    EXPECT_FALSE(not_above(newer, bytes)) << part;
  }
}

}  // namespace
}  // namespace sotto::attest::snp
