// Tests of the bounded reader and the writer that is its inverse.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace sotto {
namespace {

TEST(Bytes, reader_gives_back_what_the_writer_wrote) {
  ByteWriter writer;
  writer.write<uint8_t>(0x12);
  writer.write<uint32_t>(0x01020304);
  writer.write<int64_t>(-5);
  writer.write<float>(-0.5f);
  writer.append("text");
  ByteReader reader(writer.bytes());
  EXPECT_EQ(*reader.read<uint8_t>("a"), 0x12);
  EXPECT_EQ(*reader.read<uint32_t>("b"), 0x01020304u);
  EXPECT_EQ(*reader.read<int64_t>("c"), -5);
  EXPECT_EQ(*reader.read<float>("d"), -0.5f);
  const Result<Bytes> text = reader.take(4, "e");
  ASSERT_TRUE(text);
  EXPECT_EQ(std::string(text->begin(), text->end()), "text");
  EXPECT_EQ(reader.left(), 0u);
}

TEST(Bytes, numbers_are_little_endian) {
  ByteWriter writer;
  writer.write<uint32_t>(0x01020304);
  EXPECT_EQ(writer.bytes(), (std::vector<uint8_t>{4, 3, 2, 1}));
}

TEST(Bytes, writer_pads_with_zeros_to_a_multiple) {
  ByteWriter writer;
  writer.append("abc");
  writer.pad_to(8);
  writer.pad_to(8);
  EXPECT_EQ(writer.bytes(), (std::vector<uint8_t>{'a', 'b', 'c', 0, 0, 0, 0, 0}));
}

TEST(Bytes, an_end_too_early_names_field_offset_and_sizes_and_moves_nothing) {
  ByteReader reader(as_bytes("abcde"));
  ASSERT_TRUE(reader.take(3, "head"));
  const Result<uint32_t> number = reader.read<uint32_t>("count");
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().kind, ErrorKind::malformed);
  EXPECT_EQ(number.error().message, "count at offset 3: 4 bytes wanted, 2 left");
  EXPECT_EQ(reader.offset(), 3u);
  EXPECT_TRUE(reader.take(2, "tail"));
}

TEST(Bytes, a_length_near_the_largest_number_does_not_wrap_around) {
  ByteReader reader(as_bytes("abcde"));
  ASSERT_TRUE(reader.take(1, "head"));
  EXPECT_FALSE(reader.take(std::numeric_limits<uint64_t>::max(), "length"));
  EXPECT_FALSE(reader.take(std::numeric_limits<uint64_t>::max() - 1, "length"));
}

}  // namespace
}  // namespace sotto
