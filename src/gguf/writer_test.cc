// What is written is read back the same, and what does not fit the format is refused.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "gguf/test_model.h"

namespace sotto::gguf {
namespace {

using testing::HasSubstr;

Metadata every_type() {
  Metadata metadata;
  add_for_testing(metadata, "u8", uint8_t{255});
  add_for_testing(metadata, "i8", int8_t{-128});
  add_for_testing(metadata, "u16", uint16_t{65535});
  add_for_testing(metadata, "i16", int16_t{-32768});
  add_for_testing(metadata, "u32", ~0u);
  add_for_testing(metadata, "i32", int32_t{-5});
  add_for_testing(metadata, "f32", 1.5f);
  add_for_testing(metadata, "bool", true);
  add_for_testing(metadata, "string", std::string("a\0b", 3));
  add_for_testing(metadata, "u64", ~uint64_t{0});
  add_for_testing(metadata, "i64", int64_t{-6});
  add_for_testing(metadata, "f64", -0.0);
  add_for_testing(metadata, "strings", Array{std::vector<std::string>{"", "x", "\n"}});
  add_for_testing(metadata, "bools", Array{std::vector<bool>{true, false, true}});
  add_for_testing(metadata, "floats", Array{std::vector<float>{0, -1, 1e-45f}});
  add_for_testing(metadata, "i32s", Array{std::vector<int32_t>{1, -1}});
  add_for_testing(metadata, "none", Array{std::vector<uint64_t>{}});
  return metadata;
}

TEST(Serialize, is_read_back_as_the_same_metadata_and_tensors) {
  Metadata metadata = every_type();
  add_for_testing(metadata, "general.alignment", uint32_t{128});
  const std::vector<uint8_t> blocks(36, 7);
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const std::vector<TensorData> tensors = {
      {"quantised", TensorType::Q4_0, {32, 2, 1, 1}, blocks},
      {"numbers", TensorType::F32, {3, 2}, as_bytes(numbers)},
  };
  const auto file = serialize(metadata, tensors);
  ASSERT_TRUE(file) << file.error().message;
  const auto model = parse_header(*file, file->size());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->version, 3u);
  EXPECT_EQ(model->alignment, 128u);
  ASSERT_EQ(model->metadata.entries().size(), metadata.entries().size());
  for (size_t i = 0; i < metadata.entries().size(); ++i) {
    EXPECT_EQ(model->metadata.entries()[i].key, metadata.entries()[i].key);
    EXPECT_TRUE(model->metadata.entries()[i].value == metadata.entries()[i].value)
        << metadata.entries()[i].key;
  }
  ASSERT_EQ(model->tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& read = model->tensors[i];
    EXPECT_EQ(read.name, tensors[i].name);
    EXPECT_EQ(read.type, tensors[i].type);
    EXPECT_EQ(read.shape, tensors[i].shape);
    EXPECT_EQ(read.offset % 128, 0u);
    ASSERT_EQ(read.bytes, tensors[i].data.size());
    EXPECT_EQ(std::memcmp(file->data() + read.offset, tensors[i].data.data(), read.bytes), 0);
  }
}

TEST(Serialize, refuses_what_does_not_fit_the_format) {
  const ExampleModel good;
  const auto refused = [&](const std::vector<TensorData>& tensors, const char* message) {
    const auto file = serialize(good.metadata, tensors);
    ASSERT_FALSE(file) << message;
    EXPECT_EQ(file.error().kind, ErrorKind::malformed);
    EXPECT_THAT(file.error().message, HasSubstr(message));
  };
  const Bytes four = as_bytes(good.embedding);
  refused({{"t", TensorType::F32, {2, 3}, four}}, "16 bytes of data where its shape needs 24");
  refused({{"t", TensorType::F32, {}, four}}, "0 dimensions");
  refused({{"t", TensorType::F32, {4, 1, 1, 1, 1}, four}}, "5 dimensions");
  refused({{"t", TensorType::F32, {0, 4}, {}}}, "a dimension is 0");
  refused({{"t", TensorType::Q8_0, {16}, four}}, "not whole Q8_0 blocks");
  refused({{"", TensorType::F32, {4}, four}}, "name of 0 bytes");
  refused({{std::string(65, 'n'), TensorType::F32, {4}, four}}, "name of 65 bytes");
  refused({{"t", TensorType::F32, {4}, four}, {"t", TensorType::F32, {4}, four}}, "there twice");

  Metadata metadata;
  add_for_testing(metadata, "general.alignment", uint32_t{24});
  EXPECT_FALSE(serialize(metadata, {}));
  Metadata bad_key;
  add_for_testing(bad_key, "line\nbreak", true);
  EXPECT_FALSE(serialize(bad_key, {}));
}

TEST(WriteFile, writes_what_serialize_makes) {
  const ExampleModel model;
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "writer_test_model.gguf";
  ASSERT_TRUE(write_file(path, model.metadata, model.tensors()));
  const auto described = describe(path);
  ASSERT_TRUE(described) << described.error().message;
  EXPECT_EQ(described->files[0].bytes, model.file().size());
  EXPECT_EQ(described->files[0].header_sha256,
            parse_header(model.file(), model.file().size())->files[0].header_sha256);
  std::filesystem::remove(path);
  EXPECT_FALSE(write_file("/nonexistent-folder/x.gguf", model.metadata, model.tensors()));
}

std::vector<uint8_t> contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(WriteFilePiecewise, takes_data_piece_by_piece) {
  const ExampleModel model;
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "writer_test_pieces.gguf";
  std::vector<TensorProducer> tensors;
  for (const TensorData& tensor : model.tensors()) {
    tensors.push_back({tensor.name, tensor.type, tensor.shape,
                       [data = tensor.data](const auto& append) -> Result<void> {
                         TRY(append(data.first(3)));
                         return append(data.subspan(3));
                       }});
  }
  ASSERT_TRUE(write_file_piecewise(path, model.metadata, tensors));
  EXPECT_EQ(contents(path), model.file());
  std::filesystem::remove(path);

  tensors[1].produce = [](const auto&) { return Result<void>(); };
  const auto empty = write_file_piecewise(path, model.metadata, tensors);
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message, HasSubstr("0 bytes of data where its shape needs 8"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sotto::gguf
