// Reading descriptions: one good file, and everything that hostile ones may hold instead.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "gguf/test_model.h"

namespace sotto::gguf {
namespace {

using testing::HasSubstr;
using File = std::vector<uint8_t>;

Result<Description> parse(const File& file) {
  return parse_header(file, file.size());
}

TEST(ParseHeader, describes_a_good_file) {
  const File file = ExampleModel().file();
  const auto model = parse(file);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->version, 3u);
  EXPECT_EQ(model->alignment, 32u);
  ASSERT_EQ(model->metadata.entries().size(), 4u);
  EXPECT_EQ(model->metadata.entries()[1].key, "general.name");
  EXPECT_EQ(**model->metadata.strings("tokenizer.ggml.tokens"),
            (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(model->tensors.size(), 2u);
  const TensorInfo& embedding = model->tensors[0];
  EXPECT_EQ(embedding.name, "token_embd.weight");
  EXPECT_EQ(embedding.type, TensorType::F32);
  EXPECT_EQ(embedding.shape, (std::vector<uint64_t>{2, 2}));
  EXPECT_EQ(embedding.rows(), 2u);
  EXPECT_EQ(embedding.bytes, 16u);
  float first;
  std::memcpy(&first, file.data() + embedding.offset, sizeof(first));
  EXPECT_EQ(first, 1.0f);
  EXPECT_EQ(model->find_tensor("output_norm.weight"), &model->tensors[1]);
  EXPECT_EQ(model->find_tensor("nothing"), nullptr);
}

TEST(ParseHeader, reads_version_2) {
  File file = ExampleModel().file();
  file[4] = 2;
  const auto model = parse(file);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->version, 2u);
}

TEST(ParseHeader, asks_for_more_until_it_has_the_whole_header) {
  const File file = ExampleModel().file();
  const uint64_t header_bytes = parse(file)->files[0].header_bytes;
  for (uint64_t have = 0; have < file.size(); ++have) {
    const auto model = parse_header(Bytes(file).first(have), file.size());
    if (have >= header_bytes) {
      ASSERT_TRUE(model) << have << ": " << model.error().message;
    } else {
      ASSERT_FALSE(model) << have;
      ASSERT_EQ(model.error().kind, ErrorKind::exhausted) << have << ": " << model.error().message;
    }
  }
}

TEST(ParseHeader, refuses_every_truncation) {
  const File file = ExampleModel().file();
  const TensorInfo last = parse(file)->tensors.back();
  for (uint64_t have = 0; have < last.offset + last.bytes; ++have) {
    const auto model = parse_header(Bytes(file).first(have), have);
    ASSERT_FALSE(model) << have;
    ASSERT_EQ(model.error().kind, ErrorKind::malformed) << have << ": " << model.error().message;
  }
}

// Where a text stands in the file; a change is given relative to it.
size_t place_of(const File& file, std::string_view text) {
  const std::string_view all(reinterpret_cast<const char*>(file.data()), file.size());
  const size_t place = all.find(text);
  CHECK(place != std::string_view::npos);
  return place;
}

template <class T>
void put(File& file, size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof(value));
}

struct Damage {
  const char* what;
  std::function<void(File&)> change;
  ErrorKind kind;
  const char* message;  // a part of it
};

// A change of one number at `distance` behind the place of `text`.
template <class T>
std::function<void(File&)> at(const char* text, size_t distance, T value) {
  return [=](File& file) { put(file, place_of(file, text) + distance, value); };
}

constexpr auto kHuge = std::numeric_limits<uint64_t>::max();
constexpr const char* kEmbedding = "token_embd.weight";  // 17 bytes; then count, 2 dimensions, type
constexpr const char* kNorm = "output_norm.weight";      // 18 bytes; then count, 1 dimension, type
constexpr ErrorKind kMalformed = ErrorKind::malformed;
constexpr ErrorKind kUnsupported = ErrorKind::unsupported;

const Damage kDamages[] = {
    {"another magic", at("GGUF", 0, 'g'), kMalformed, "magic at offset 0"},
    {"version 1", at("GGUF", 4, 1u), kUnsupported, "version at offset 4: GGUF version 1"},
    {"version 4", at("GGUF", 4, 4u), kUnsupported, "GGUF version 4"},
    {"version 0", at("GGUF", 4, 0u), kUnsupported, "GGUF version 0"},
    {"big-endian", at("GGUF", 4, 0x03000000u), kUnsupported, "big-endian GGUF file (version 3)"},
    {"too many tensors", at("GGUF", 8, kHuge), kMalformed, "tensor count at offset 8"},
    {"more tensors than there are", at("GGUF", 8, uint64_t{3}), kMalformed, "tensor 2 at offset"},
    {"too many keys", at("GGUF", 16, kHuge), kMalformed, "metadata count at offset 16"},
    {"a key longer than the file", at("general.arch", -size_t{8}, kHuge), kMalformed,
     "metadata entry 0: key at offset"},
    {"an empty key", at("general.arch", -size_t{8}, uint64_t{0}), kMalformed, "key of 0 bytes"},
    {"a key with a control character", at("general.arch", 3, '\x1b'), kMalformed,
     "not printable ASCII"},
    {"a key with a byte beyond ASCII", at("general.arch", 3, '\xc3'), kMalformed,
     "not printable ASCII"},
    {"an unknown value type", at("qwen2.block_count", 17, 13u), kMalformed,
     "'qwen2.block_count': type at offset"},
    {"a boolean that is 2",
     [](File& file) {
       put(file, place_of(file, "qwen2.block_count") + 17, 7u);
       put(file, place_of(file, "qwen2.block_count") + 21, uint8_t{2});
     },
     kMalformed, "a boolean is 2"},
    {"a string longer than the file", at("general.name", 16, kHuge), kMalformed,
     "'general.name': value at offset"},
    {"an array longer than the file", at("tokenizer.ggml.tokens", 29, kHuge), kMalformed,
     "'tokenizer.ggml.tokens': array at offset"},
    {"an array of arrays", at("tokenizer.ggml.tokens", 25, 9u), kUnsupported, "array of arrays"},
    {"an array of nothing known", at("tokenizer.ggml.tokens", 25, 99u), kMalformed,
     "value type 99 is unknown"},
    {"no dimensions", at(kEmbedding, 17, 0u), kMalformed, "'token_embd.weight' has 0 dimensions"},
    {"five dimensions", at(kEmbedding, 17, 5u), kMalformed, "has 5 dimensions, not 1 to 4"},
    {"a dimension of 0", at(kEmbedding, 21, uint64_t{0}), kMalformed, "a dimension is 0"},
    {"a huge dimension", at(kEmbedding, 29, kHuge), kMalformed, "product of the dimensions"},
    {"a huge size", at(kEmbedding, 29, uint64_t{1} << 58), kMalformed, "size in bytes overflows"},
    {"a tensor larger than the file", at(kEmbedding, 29, uint64_t{100}), kMalformed,
     "end beyond the file's"},
    {"a type that is gone", at(kEmbedding, 37, 4u), kUnsupported, "'token_embd.weight' has type 4"},
    {"a type that never was", at(kEmbedding, 37, 1000u), kUnsupported, "has type 1000"},
    {"a row that is not whole blocks", at(kEmbedding, 37, 2u), kMalformed,
     "rows of 2 elements are not whole Q4_0 blocks of 32"},
    {"a misaligned offset", at(kNorm, 34, uint64_t{40}), kMalformed,
     "offset 40 is not a multiple of 32"},
    {"an offset beyond the file", at(kNorm, 34, uint64_t{1} << 40), kMalformed,
     "end beyond the file's"},
    {"an offset that overflows", at(kNorm, 34, kHuge - 31), kMalformed, "end beyond the file's"},
    {"two tensors in one place", at(kNorm, 34, uint64_t{0}), kMalformed, "overlaps tensor"},
    {"a tensor name with an escape", at(kNorm, 6, '\x1b'), kMalformed, "not printable ASCII"},
    {"a long tensor name", at(kNorm, -size_t{8}, uint64_t{65}), kMalformed,
     "name of 65 bytes, not 1 to 64"},
};

TEST(ParseHeader, refuses_damaged_files_and_says_where) {
  const File good = ExampleModel().file();
  for (const Damage& damage : kDamages) {
    File file = good;
    damage.change(file);
    const auto model = parse(file);
    ASSERT_FALSE(model) << damage.what;
    EXPECT_EQ(model.error().kind, damage.kind) << damage.what << ": " << model.error().message;
    EXPECT_THAT(model.error().message, HasSubstr(damage.message)) << damage.what;
  }
}

// Files that differ from the good one in more than a number are made anew.
File file_with(const std::function<void(Metadata&)>& more) {
  ExampleModel model;
  more(model.metadata);
  return model.file();
}

TEST(ParseHeader, refuses_a_key_that_is_there_twice) {
  File file = file_with(
      [](Metadata& metadata) { add_for_testing(metadata, "general.nam0", std::string("other")); });
  put(file, place_of(file, "general.nam0") + 11, 'e');
  const auto model = parse(file);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr("'general.name' is there twice"));
}

TEST(ParseHeader, refuses_a_tensor_that_is_there_twice) {
  ExampleModel example;
  std::vector<TensorData> tensors = example.tensors();
  tensors[1].name = "token_embd.weighs";
  File file = *serialize(example.metadata, tensors);
  put(file, place_of(file, "token_embd.weighs") + 16, 't');
  const auto model = parse(file);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr("'token_embd.weight' is there twice"));
}

TEST(ParseHeader, refuses_alignments_that_make_no_sense) {
  const File good =
      file_with([](Metadata& metadata) { add_for_testing(metadata, "general.alignment", 64u); });
  EXPECT_EQ(parse(good)->alignment, 64u);
  for (const uint32_t alignment : {0u, 1u, 4u, 48u, 1u << 17, 1u << 31, ~0u}) {
    File file = good;
    put(file, place_of(file, "general.alignment") + 21, alignment);
    const auto model = parse(file);
    ASSERT_FALSE(model) << alignment;
    EXPECT_THAT(model.error().message, HasSubstr("general.alignment"));
  }
  File file = good;
  put(file, place_of(file, "general.alignment") + 17, 5u);  // an int32
  EXPECT_FALSE(parse(file));
}

TEST(ParseHeader, keeps_strings_as_the_bytes_they_are) {
  const std::string bytes("\xff\x00\xc3\x28", 4);
  const File file = file_with([&](Metadata& metadata) {
    add_for_testing(metadata, "tokenizer.ggml.odd", Array{std::vector<std::string>{bytes, ""}});
  });
  const auto model = parse(file);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(**model->metadata.strings("tokenizer.ggml.odd"), (std::vector<std::string>{bytes, ""}));
}

TEST(ParseHeader, takes_a_file_without_tensors_or_padding) {
  Metadata metadata;
  add_for_testing(metadata, "general.architecture", std::string("x"));
  File file = *serialize(metadata, {});
  file.resize(24 + 8 + 20 + 4 + 8 + 1);
  const auto model = parse(file);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->tensors.empty());
}

TEST(ParseHeader, refuses_one_file_of_a_split_set) {
  const File file = file_with([](Metadata& metadata) {
    add_for_testing(metadata, "split.no", uint16_t{1});
    add_for_testing(metadata, "split.count", uint16_t{3});
  });
  const auto model = parse(file);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(model.error().message, HasSubstr("file 2 of a split set of 3"));
}

TEST(ParseHeader, looks_up_many_keys_quickly) {
  // Quadratic work would take minutes at this size.
  Metadata metadata;
  for (int i = 0; i < 16000; ++i) {
    ASSERT_TRUE(metadata.add(fmt::format("key.{}", i * 7919 % 16000), i));
  }
  const auto model = parse(*serialize(metadata, {}));
  ASSERT_TRUE(model) << model.error().message;
  for (int i = 0; i < 16000; ++i) {
    ASSERT_EQ(*model->metadata.get<int>(fmt::format("key.{}", i * 7919 % 16000)), i);
  }
}

TEST(Metadata, converts_integers_of_any_width_that_hold_the_value) {
  Metadata metadata;
  add_for_testing(metadata, "small", uint8_t{200});
  add_for_testing(metadata, "negative", int64_t{-1});
  add_for_testing(metadata, "float", 0.5f);
  add_for_testing(metadata, "double", 0.25);
  add_for_testing(metadata, "yes", true);
  add_for_testing(metadata, "list", Array{std::vector<uint16_t>{1, 65535}});
  add_for_testing(metadata, "big", Array{std::vector<uint64_t>{kHuge}});
  EXPECT_EQ(*metadata.get<int64_t>("small"), 200);
  EXPECT_FALSE(metadata.get<int8_t>("small"));
  EXPECT_FALSE(metadata.get<uint32_t>("negative"));
  EXPECT_EQ(*metadata.get<int8_t>("negative"), -1);
  EXPECT_EQ(*metadata.get<float>("double"), 0.25f);
  EXPECT_EQ(*metadata.get<double>("float"), 0.5);
  EXPECT_FALSE(metadata.get<uint32_t>("float"));
  EXPECT_FALSE(metadata.get<uint32_t>("yes"));
  EXPECT_FALSE(metadata.get<std::string>("small"));
  EXPECT_TRUE(*metadata.get<bool>("yes"));
  EXPECT_EQ(*metadata.integers("list"), (std::vector<int64_t>{1, 65535}));
  EXPECT_FALSE(metadata.integers("big"));
  EXPECT_FALSE(metadata.strings("list"));
}

TEST(Metadata, falls_back_only_when_the_key_is_absent) {
  Metadata metadata;
  add_for_testing(metadata, "text", std::string("5"));
  EXPECT_EQ(*metadata.get_or<uint32_t>("absent", 7), 7u);
  EXPECT_FALSE(metadata.get_or<uint32_t>("text", 7));
  const auto absent = metadata.get<uint32_t>("absent");
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().message, HasSubstr("'absent' is missing"));
}

TEST(Types, are_found_by_number_and_name) {
  for (const TypeTraits& type : all_types()) {
    EXPECT_EQ(find_type(static_cast<uint32_t>(type.type)), &type);
    EXPECT_EQ(type_by_name(type.name), type.type);
  }
  for (const uint32_t gone : {4u, 5u, 9u, 31u, 36u, 1000u}) EXPECT_EQ(find_type(gone), nullptr);
  EXPECT_EQ(type_by_name("q4_k"), std::nullopt);
}

}  // namespace
}  // namespace sotto::gguf
