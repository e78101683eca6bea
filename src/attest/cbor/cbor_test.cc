// What is read of CBOR, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "attest/cbor/cbor.h"

#include <gtest/gtest.h>

#include "attest/cbor/cose_sign1.h"

namespace sotto::attest::cbor {
namespace {

using Raw = std::vector<uint8_t>;

ErrorKind kind_of(const Raw& bytes) {
  const auto document = Document::read(bytes);
  EXPECT_FALSE(document.has_value());
  return document ? ErrorKind::internal : document.error().kind;
}

TEST(Cbor, reads_numbers_of_every_width_and_both_signs) {
  const Raw bytes = {0x86, 0x17, 0x18, 0xff, 0x19, 0x01, 0x00, 0x1b, 0x7f,
                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x38, 0x22,
                     0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  const auto document = Document::read(bytes);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(document->bytes(), bytes.size());
  const auto items = document->root().items();
  ASSERT_EQ(items.size(), 6u);
  EXPECT_EQ(*items[0].unsigned_integer("x"), 23u);
  EXPECT_EQ(*items[1].unsigned_integer("x"), 255u);
  EXPECT_EQ(*items[2].integer("x"), 256);
  EXPECT_EQ(*items[3].integer("x"), INT64_MAX);
  EXPECT_EQ(*items[4].integer("x"), -35);
  EXPECT_EQ(*items[5].integer("x"), INT64_MIN);
  EXPECT_EQ(items[4].unsigned_integer("field").error().kind, ErrorKind::malformed);
}

TEST(Cbor, reads_maps_and_arrays_of_known_and_of_unknown_length_alike) {
  const Raw definite = {0xa2, 0x61, 'a', 0x82, 0x01, 0xf6, 0x02, 0x42, 0x03, 0x04};
  const Raw indefinite = {0xbf, 0x61, 'a',  0x9f, 0x01, 0xf6, 0xff,
                          0x02, 0x42, 0x03, 0x04, 0xff, 0xee};
  for (const Raw& bytes : {definite, indefinite}) {
    const auto document = Document::read(bytes);
    ASSERT_TRUE(document.has_value()) << document.error().message;
    EXPECT_EQ(document->bytes(), bytes.size() - (bytes.back() == 0xee ? 1 : 0));
    const Item map = document->root();
    ASSERT_EQ(map.type(), Type::map);
    EXPECT_EQ(map.count(), 2u);
    ASSERT_EQ(map.pairs().size(), 2u);
    const auto array = map.find("a");
    ASSERT_TRUE(array.has_value());
    EXPECT_EQ(array->count(), 2u);
    EXPECT_EQ(array->items()[1].type(), Type::null);
    const auto two = map.find(2);
    ASSERT_TRUE(two.has_value());
    EXPECT_EQ((*two->bytes("two"))[1], 4);
    EXPECT_FALSE(map.find("b").has_value());
    EXPECT_FALSE(map.find(1).has_value());
  }
}

TEST(Cbor, ends_where_the_bytes_do) {
  const Raw good = {0xbf, 0x61, 'a', 0x82, 0x19, 0x01, 0x00, 0x43, 1, 2, 3, 0xff};
  ASSERT_TRUE(Document::read(good).has_value());
  for (size_t count = 0; count < good.size(); ++count) {
    EXPECT_EQ(kind_of(Raw(good.begin(), good.begin() + static_cast<ptrdiff_t>(count))),
              ErrorKind::malformed)
        << count;
  }
}

TEST(Cbor, allocates_nothing_for_what_is_only_announced) {
  EXPECT_EQ(kind_of({0x9a, 0x4e, 0xf6, 0x4e, 0x2a}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0xa2, 0x01, 0x02, 0x03}), ErrorKind::malformed);
}

TEST(Cbor, refuses_a_key_that_comes_twice_however_it_is_encoded) {
  EXPECT_EQ(kind_of({0xa2, 0x61, 'a', 0x01, 0x61, 'a', 0x02}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0xa2, 0x05, 0x01, 0x18, 0x05, 0x02}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0xbf, 0x05, 0x01, 0x19, 0x00, 0x05, 0x02, 0xff}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0xa2, 0x61, 'a', 0x01, 0x78, 0x01, 'a', 0x02}), ErrorKind::malformed);
  // 5 and -6 are encoded with the same number; "a" and h'61' with the same bytes.
  EXPECT_TRUE(Document::read(Raw{0xa2, 0x05, 0x01, 0x25, 0x02}).has_value());
  EXPECT_TRUE(Document::read(Raw{0xa2, 0x61, 'a', 0x01, 0x41, 'a', 0x02}).has_value());
}

TEST(Cbor, refuses_keys_that_are_no_scalars) {
  for (const uint8_t key : {0x80, 0xa0, 0xf4, 0xf6}) {
    EXPECT_EQ(kind_of({0xa1, key, 0x01}), ErrorKind::malformed) << int{key};
  }
}

TEST(Cbor, refuses_breaks_that_end_nothing_and_keys_without_values) {
  EXPECT_EQ(kind_of({0xff}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0x81, 0xff}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0x9f, 0x82, 0x01, 0xff, 0xff}), ErrorKind::malformed);
  EXPECT_EQ(kind_of({0xbf, 0x01, 0xff}), ErrorKind::malformed);
}

TEST(Cbor, refuses_what_no_document_of_ours_has) {
  EXPECT_EQ(kind_of({0xc1, 0x01}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0xd8, 0x12, 0x80}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0xf9, 0x00, 0x00}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0xfa, 0x00, 0x00, 0x00, 0x00}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0xfb, 0, 0, 0, 0, 0, 0, 0, 0}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0xf7}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0x5f, 0x41, 0x01, 0xff}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0x7f, 0x61, 'a', 0xff}), ErrorKind::unsupported);
  EXPECT_EQ(kind_of({0x1c}), ErrorKind::malformed);
}

TEST(Cbor, has_limits_on_depth_items_and_bytes) {
  Raw deep(kDepthMax, 0x81);
  deep.push_back(0x01);
  EXPECT_TRUE(Document::read(deep).has_value());
  deep.insert(deep.begin(), 0x81);
  EXPECT_EQ(kind_of(deep), ErrorKind::exhausted);
  Raw many(kItemsMax, 0x01);
  many.front() = 0x9f;
  many.push_back(0xff);
  EXPECT_TRUE(Document::read(many).has_value());
  many.insert(many.begin() + 1, 0x01);
  EXPECT_EQ(kind_of(many), ErrorKind::exhausted);
  EXPECT_EQ(kind_of(Raw(kDocumentBytesMax + 1, 0x01)), ErrorKind::exhausted);
}

// {1: -35}, {}, h'0102', h'03'
const Raw kMessage = {0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x42, 0x01, 0x02, 0x41, 0x03};

TEST(CoseSign1, is_read_with_its_tag_and_without) {
  Raw tagged = kMessage;
  tagged.insert(tagged.begin(), 0xd2);
  for (const Raw& bytes : {kMessage, tagged}) {
    const auto message = read_cose_sign1(bytes);
    ASSERT_TRUE(message.has_value()) << message.error().message;
    EXPECT_EQ(message->algorithm, kAlgorithmEs384);
    EXPECT_EQ(message->bytes, bytes.size());
    EXPECT_EQ(message->payload.size(), 2u);
    EXPECT_EQ(message->signature[0], 3);
    const Raw expected = {0x84, 0x6a, 'S',  'i',  'g',  'n',  'a',  't',  'u',  'r', 'e',
                          '1',  0x44, 0xa1, 0x01, 0x38, 0x22, 0x40, 0x42, 0x01, 0x02};
    EXPECT_EQ(cose_signed_bytes(message->protected_header, message->payload), expected);
  }
  tagged.insert(tagged.begin(), 0xd2);
  EXPECT_FALSE(read_cose_sign1(tagged).has_value());
}

TEST(CoseSign1, refuses_every_changed_byte_of_its_frame) {
  const std::vector<size_t> frame = {0, 1, 2, 3, 4, 6, 7};
  for (const size_t at : frame) {
    for (int value = 0; value < 256; ++value) {
      Raw changed = kMessage;
      changed[at] = static_cast<uint8_t>(value);
      if (changed == kMessage) continue;
      const auto message = read_cose_sign1(changed);
      EXPECT_TRUE(
          !message || message->algorithm != kAlgorithmEs384 ||
          cose_signed_bytes(message->protected_header, message->payload) !=
              cose_signed_bytes(Bytes(kMessage).subspan(2, 4), Bytes(kMessage).subspan(8, 2)))
          << at << " " << value;
    }
  }
}

TEST(CoseSign1, refuses_headers_that_it_would_have_to_understand) {
  const Raw other_unprotected = {0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa1,
                                 0x04, 0x41, 0x01, 0x41, 0x02, 0x41, 0x03};
  const Raw crit = {0x84, 0x47, 0xa2, 0x01, 0x38, 0x22, 0x02,
                    0x81, 0x01, 0xa0, 0x41, 0x02, 0x41, 0x03};
  EXPECT_EQ(read_cose_sign1(other_unprotected).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(read_cose_sign1(crit).error().kind, ErrorKind::unsupported);
  EXPECT_FALSE(read_cose_sign1(Raw{0x83, 0x40, 0xa0, 0x40}).has_value());
  EXPECT_FALSE(read_cose_sign1(Raw{}).has_value());
}

}  // namespace
}  // namespace sotto::attest::cbor
