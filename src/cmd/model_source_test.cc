// Tests for finding the model that was meant.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/model_source.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

namespace sotto::cmd {
namespace {

class ModelSource : public testing::Test {
 protected:
  void SetUp() override {
    home_ = std::filesystem::path(testing::TempDir()) / fmt::format("model_source_{}", getpid());
    std::filesystem::create_directories(home_ / "models");
    setenv("SOTTO_HOME", home_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("SOTTO_HOME");
    std::filesystem::remove_all(home_);
  }
  void put(const std::filesystem::path& name) const {
    const Bytes model = demo_model_file();
    std::ofstream(home_ / "models" / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(model.data()),
               static_cast<std::streamsize>(model.size()));
  }
  std::filesystem::path home_;
};

TEST_F(ModelSource, bundled_model_is_whole_and_aligned) {
  const Bytes file = demo_model_file();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.data()) % 64, 0u);
  EXPECT_LE(file.size(), 4u << 20);
  const auto source = open_model("demo");
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(*source->description().metadata.get<std::string>("general.architecture"), "qwen2");
}

TEST_F(ModelSource, name_is_found_in_the_store_with_and_without_its_suffix) {
  EXPECT_FALSE(open_model("small"));
  put("small.gguf");
  EXPECT_TRUE(open_model("small"));
  EXPECT_TRUE(open_model("small.gguf"));
}

TEST_F(ModelSource, path_is_never_looked_up_in_the_store) {
  std::filesystem::create_directories(home_ / "models" / "folder");
  put("folder/small.gguf");
  EXPECT_FALSE(open_model("folder/small.gguf"));
  EXPECT_TRUE(open_model((home_ / "models/folder/small.gguf").string()));
}

TEST_F(ModelSource, missing_name_says_where_was_looked) {
  const auto source = open_model("nosuchmodel");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().kind, ErrorKind::unavailable);
  EXPECT_NE(source.error().message.find("'nosuchmodel'"), std::string::npos);
  EXPECT_NE(source.error().message.find((home_ / "models").string()), std::string::npos);
}

TEST_F(ModelSource, store_follows_the_environment) {
  EXPECT_EQ(store_folder(), home_);
  unsetenv("SOTTO_HOME");
  setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(store_folder(), "/data/sotto");
  unsetenv("XDG_DATA_HOME");
}

}  // namespace
}  // namespace sotto::cmd
