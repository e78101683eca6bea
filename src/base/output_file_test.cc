// Tests for files that appear only when complete.
// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace sotto {
namespace {

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("output_file_{}", getpid());
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                             std::filesystem::directory_iterator()));
  }
  std::filesystem::path folder_;
};

TEST_F(OutputFileTest, is_there_after_commit_and_nothing_else) {
  Result<OutputFile> file = OutputFile::create(folder_ / "out");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append(as_bytes("whole ")));
  ASSERT_TRUE(file->append(as_bytes("file")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  ASSERT_TRUE(file->commit());
  std::ifstream in(folder_ / "out");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "whole file");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, leaves_nothing_without_commit) {
  {
    Result<OutputFile> file = OutputFile::create(folder_ / "out");
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(as_bytes("half")));
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFileTest, leaves_the_old_file_without_commit) {
  std::ofstream(folder_ / "out") << "old";
  {
    ASSERT_TRUE(OutputFile::create(folder_ / "out"));
  }
  EXPECT_EQ(std::filesystem::file_size(folder_ / "out"), 3u);
}

TEST_F(OutputFileTest, never_replaces_what_is_not_a_file) {
  EXPECT_FALSE(OutputFile::create(folder_));
  EXPECT_FALSE(OutputFile::create("/dev/null"));
}

TEST_F(OutputFileTest, folder_that_is_not_there_is_unavailable) {
  Result<OutputFile> file = OutputFile::create(folder_ / "no" / "out");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ErrorKind::unavailable);
  EXPECT_NE(file.error().message.find("no/out"), std::string::npos);
}

}  // namespace
}  // namespace sotto
