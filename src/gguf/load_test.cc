// Reading models: digests, the order and size of pieces, split sets, and files that change meanwhile.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <new>

#include "gguf/chunks.h"
#include "gguf/test_model.h"

namespace sotto::gguf {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A folder of its own for each test.
class TempFolder {
 public:
  TempFolder() {
    path_ =
        fs::path(testing::TempDir()) /
        fmt::format("load_test_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~TempFolder() { fs::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

// Several MiB in tensors of different sizes, with the data that they should arrive with.
struct LargeModel {
  Metadata metadata;
  std::vector<std::vector<uint8_t>> data;
  std::vector<TensorData> tensors;

  LargeModel() {
    add_for_testing(metadata, "general.architecture", std::string("qwen2"));
    for (const uint64_t rows : {1, 5000, 3, 1, 20000, 40, 900}) {
      std::vector<uint8_t> bytes(rows * 340);  // Q8_0, 320 columns
      for (size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<uint8_t>((i * 2654435761u >> 13) + rows);
      }
      data.push_back(std::move(bytes));
      tensors.push_back(
          {fmt::format("t{}", tensors.size()), TensorType::Q8_0, {320, rows}, data.back()});
    }
  }
};

// Collects what it is given and checks the contract of TensorSink.
class Collector : public TensorSink {
 public:
  explicit Collector(uint64_t granule) : granule_(granule) {}

  uint64_t granule_bytes(const TensorInfo&) override { return granule_; }

  Result<void> take(const TensorInfo& tensor, uint64_t offset, Bytes bytes) override {
    std::vector<uint8_t>* data = nullptr;
    {
      const std::lock_guard lock(mutex_);
      data = &data_[tensor.name];
      EXPECT_TRUE(busy_.insert({tensor.name, true}).second) << "two calls at once";
    }
    EXPECT_EQ(offset, data->size()) << "not in order";
    EXPECT_EQ(offset % granule_, 0u);
    const bool last = offset + bytes.size() == tensor.bytes;
    EXPECT_TRUE(last || bytes.size() % granule_ == 0);
    data->insert(data->end(), bytes.begin(), bytes.end());
    const std::lock_guard lock(mutex_);
    busy_.erase(tensor.name);
    return {};
  }

  const std::vector<uint8_t>& operator[](const std::string& name) { return data_[name]; }

 private:
  uint64_t granule_;
  std::mutex mutex_;
  std::map<std::string, bool> busy_;
  std::map<std::string, std::vector<uint8_t>> data_;
};

// The numbers of docs/protocols/model-identity.md, which tools/model_identity.py gives too.
TEST(ModelIdentity, is_the_one_of_the_specified_example) {
  const std::vector<uint8_t> file = ExampleModel().file();
  const auto source = Source::from_memory(file);
  ASSERT_TRUE(source) << source.error().message;
  const auto identity = source->read(nullptr, 1, {});
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(to_hex(identity->model_root),
            "b83cf61e6d5dcb6de99a43d237e9719de407daac565bfee4a99982fe2d98ca82");
  ASSERT_EQ(identity->file_sha256.size(), 1u);
  EXPECT_EQ(identity->file_sha256[0], crypto::sha256(file));
}

Digest root_of(const Metadata& metadata, const std::vector<TensorData>& tensors) {
  const auto file = serialize(metadata, tensors);
  CHECK(file.has_value());
  const auto source = Source::from_memory(*file);
  CHECK(source.has_value());
  const auto identity = source->read(nullptr, 1, {});
  CHECK(identity.has_value());
  return identity->model_root;
}

struct Change {
  const char* what;
  bool changes_root;
  std::function<void(ExampleModel&, std::vector<TensorData>&)> apply;
};

const Change kChanges[] = {
    {"a key that says nothing about answers", false,
     [](auto& model, auto&) { add_for_testing(model.metadata, "general.license", true); }},
    {"another alignment", false,
     [](auto& model, auto&) { add_for_testing(model.metadata, "general.alignment", 256u); }},
    {"a hyper-parameter", true,
     [](auto& model, auto&) { add_for_testing(model.metadata, "qwen2.context_length", 8u); }},
    {"another architecture's parameter", false,
     [](auto& model, auto&) { add_for_testing(model.metadata, "qwen20.context_length", 8u); }},
    {"a chat template", true,
     [](auto& model, auto&) {
       add_for_testing(model.metadata, "tokenizer.chat_template", std::string("x"));
     }},
    {"recommended sampling", true,
     [](auto& model, auto&) { add_for_testing(model.metadata, "general.sampling.temp", 1.0f); }},
    {"a weight", true, [](auto& model, auto&) { model.embedding[3] = 5; }},
    {"a tensor's name", true, [](auto&, auto& tensors) { tensors[1].name = "other.weight"; }},
    {"a tensor's shape", true, [](auto&, auto& tensors) { tensors[0].shape = {4}; }},
    {"a dimension of 1 more", true, [](auto&, auto& tensors) { tensors[0].shape = {2, 2, 1}; }},
    {"the order of tensors", true, [](auto&, auto& tensors) { std::swap(tensors[0], tensors[1]); }},
    {"one tensor less", true, [](auto&, auto& tensors) { tensors.pop_back(); }},
};

TEST(ModelIdentity, changes_with_what_decides_answers_and_with_nothing_else) {
  const ExampleModel good;
  const Digest root = root_of(good.metadata, good.tensors());
  for (const Change& change : kChanges) {
    ExampleModel model;
    std::vector<TensorData> tensors = model.tensors();
    change.apply(model, tensors);
    EXPECT_EQ(root_of(model.metadata, tensors) != root, change.changes_root) << change.what;
  }
}

TEST(Read, delivers_every_tensor_whole_whatever_the_granule_and_threads) {
  const LargeModel model;
  const TempFolder folder;
  ASSERT_TRUE(write_file(folder / "m.gguf", model.metadata, model.tensors));
  const auto source = Source::open(folder / "m.gguf");
  ASSERT_TRUE(source) << source.error().message;
  const auto plain = source->read(nullptr, 1, {});
  ASSERT_TRUE(plain) << plain.error().message;
  for (const uint64_t granule : {1, 340, 34 * 977, 3 << 20, 64 << 20}) {
    for (const uint32_t threads : {1, 2, 4, 9}) {
      Collector sink(granule);
      const auto identity = source->read(&sink, threads, {});
      ASSERT_TRUE(identity) << identity.error().message;
      EXPECT_EQ(identity->model_root, plain->model_root);
      EXPECT_EQ(identity->file_sha256, plain->file_sha256);
      for (size_t i = 0; i < model.tensors.size(); ++i) {
        EXPECT_TRUE(sink[model.tensors[i].name] == model.data[i]) << model.tensors[i].name;
      }
    }
  }
}

TEST(Read, delivers_the_same_from_memory) {
  const LargeModel model;
  const auto file = serialize(model.metadata, model.tensors);
  const auto source = Source::from_memory(*file);
  ASSERT_TRUE(source) << source.error().message;
  Collector sink(340);
  const auto identity = source->read(&sink, 2, {});
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->file_sha256[0], crypto::sha256(*file));
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    EXPECT_TRUE(sink[model.tensors[i].name] == model.data[i]);
  }
}

TEST(ChunkPlan, covers_every_byte_once_in_order) {
  const LargeModel model;
  const auto file = serialize(model.metadata, model.tensors);
  const auto description = parse_header(*file, file->size());
  for (const uint64_t chunk_bytes : {64, 1000, 1 << 20}) {
    for (const uint64_t granule : {1, 34, 340, 100000}) {
      const std::vector<uint64_t> granules(description->tensors.size(), granule);
      ChunkPlan plan(*description, granules, chunk_bytes);
      uint64_t offset = 0;
      Chunk chunk;
      while (plan.next(chunk)) {
        ASSERT_EQ(chunk.offset, offset);
        ASSERT_GT(chunk.bytes, 0u);
        ASSERT_LE(chunk.bytes, plan.chunk_bytes_max());
        offset += chunk.bytes;
      }
      ASSERT_EQ(offset, file->size());
    }
  }
}

TEST(Read, reports_progress_up_to_the_end_once) {
  const LargeModel model;
  const TempFolder folder;
  ASSERT_TRUE(write_file(folder / "m.gguf", model.metadata, model.tensors));
  const auto source = Source::open(folder / "m.gguf");
  std::vector<uint64_t> seen;
  const uint64_t bytes = fs::file_size(folder / "m.gguf");
  ASSERT_TRUE(source->read(nullptr, 2, [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, bytes);
    seen.push_back(done);
  }));
  EXPECT_GT(seen.size(), 2u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(std::ranges::count(seen, bytes), 1);
}

// Fails at its n-th call.
class Failing : public TensorSink {
 public:
  explicit Failing(int calls) : left_(calls) {}
  uint64_t granule_bytes(const TensorInfo&) override { return 1; }
  Result<void> take(const TensorInfo&, uint64_t, Bytes) override {
    if (left_.fetch_sub(1) == 0) return fail(ErrorKind::exhausted, "the sink is full");
    return {};
  }

 private:
  std::atomic<int> left_;
};

TEST(Read, stops_with_the_error_of_the_sink) {
  const LargeModel model;
  const auto file = serialize(model.metadata, model.tensors);
  const auto source = Source::from_memory(*file);
  for (const int calls : {0, 3, 8}) {
    for (const uint32_t threads : {1, 3}) {
      Failing sink(calls);
      const auto identity = source->read(&sink, threads, {});
      ASSERT_FALSE(identity);
      EXPECT_EQ(identity.error().kind, ErrorKind::exhausted);
      EXPECT_EQ(identity.error().message, "the sink is full");
    }
  }
}

// A library that a sink uses may throw; that must not end the program.
class Throwing : public TensorSink {
 public:
  uint64_t granule_bytes(const TensorInfo&) override { return 1; }
  Result<void> take(const TensorInfo&, uint64_t, Bytes) override { throw std::bad_alloc(); }
};

TEST(Read, turns_a_lack_of_memory_into_an_error) {
  const LargeModel model;
  const auto file = serialize(model.metadata, model.tensors);
  const auto source = Source::from_memory(*file);
  for (const uint32_t threads : {1, 3}) {
    Throwing sink;
    const auto identity = source->read(&sink, threads, {});
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().kind, ErrorKind::exhausted);
  }
}

void overwrite(const fs::path& path, uint64_t offset, char byte) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

TEST(Read, refuses_a_file_that_changed_since_it_was_described) {
  const LargeModel model;
  const TempFolder folder;
  const fs::path path = folder / "m.gguf";
  const auto fresh = [&] {
    EXPECT_TRUE(write_file(path, model.metadata, model.tensors));
    auto source = Source::open(path);
    EXPECT_TRUE(source.has_value());
    return std::move(*source);
  };
  const auto refused = [](const Source& source) {
    const auto identity = source.read(nullptr, 2, {});
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().kind, ErrorKind::untrusted);
    EXPECT_THAT(identity.error().message, HasSubstr("changed"));
  };
  Source source = fresh();
  overwrite(path, 40, 'X');  // inside the header
  refused(source);

  source = fresh();
  fs::resize_file(path, fs::file_size(path) - 1);
  refused(source);

  source = fresh();
  fs::resize_file(path, fs::file_size(path) + 1);
  refused(source);

  source = fresh();
  fs::remove(path);
  const auto identity = source.read(nullptr, 2, {});
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, ErrorKind::unavailable);
}

// Shrinks the file when the first data arrives.
class Shrinker : public Collector {
 public:
  explicit Shrinker(fs::path path) : Collector(1), path_(std::move(path)) {}
  Result<void> take(const TensorInfo& tensor, uint64_t offset, Bytes bytes) override {
    fs::resize_file(path_, 1 << 20);
    return Collector::take(tensor, offset, bytes);
  }

 private:
  fs::path path_;
};

TEST(Read, refuses_a_file_that_shrinks_while_it_is_read) {
  LargeModel model;
  std::vector<uint8_t> much(34 << 20);
  model.tensors.push_back({"much", TensorType::Q8_0, {32, 1 << 20}, much});
  const TempFolder folder;
  ASSERT_TRUE(write_file(folder / "m.gguf", model.metadata, model.tensors));
  const auto source = Source::open(folder / "m.gguf");
  Shrinker sink(folder / "m.gguf");
  const auto identity = source->read(&sink, 1, {});
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, ErrorKind::untrusted);
  EXPECT_THAT(identity.error().message, HasSubstr("changed while it was read"));
}

TEST(Read, refuses_granules_that_need_too_much_memory) {
  std::vector<uint8_t> much(65 << 20);
  const auto file = serialize({}, {{"t", TensorType::F32, {65 << 18}, much}});
  const auto source = Source::from_memory(*file);
  Collector sink(65 << 20);
  const auto identity = source->read(&sink, 1, {});
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, ErrorKind::unsupported);
}

// Writes the model as `parts.size()` files; part i holds the tensors [parts[i - 1], parts[i]).
std::vector<fs::path> write_split(const TempFolder& folder, const LargeModel& model,
                                  const std::vector<size_t>& parts) {
  std::vector<fs::path> paths;
  size_t begin = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    Metadata metadata;
    if (i == 0) metadata = model.metadata;
    add_for_testing(metadata, "split.no", static_cast<uint16_t>(i));
    add_for_testing(metadata, "split.count", static_cast<uint16_t>(parts.size()));
    add_for_testing(metadata, "split.tensors.count", static_cast<int32_t>(model.tensors.size()));
    paths.push_back(folder / fmt::format("m-{:05}-of-{:05}.gguf", i + 1, parts.size()).c_str());
    const auto first = model.tensors.begin();
    EXPECT_TRUE(
        write_file(paths.back(), metadata,
                   {first + static_cast<long>(begin), first + static_cast<long>(parts[i])}));
    begin = parts[i];
  }
  return paths;
}

TEST(Split, gives_the_same_model_root_and_data_as_one_file) {
  const LargeModel model;
  const TempFolder folder;
  ASSERT_TRUE(write_file(folder / "m.gguf", model.metadata, model.tensors));
  const auto whole = Source::open(folder / "m.gguf")->read(nullptr, 2, {});
  const auto paths = write_split(folder, model, {2, 2, 7});
  for (const fs::path& path : paths) {
    const auto source = Source::open(path);
    ASSERT_TRUE(source) << source.error().message;
    ASSERT_EQ(source->description().files.size(), 3u);
    EXPECT_EQ(source->description().tensors[2].file, 2u);
    Collector sink(340);
    const auto identity = source->read(&sink, 2, {});
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->model_root, whole->model_root);
    EXPECT_EQ(identity->file_sha256.size(), 3u);
    for (size_t i = 0; i < model.tensors.size(); ++i) {
      EXPECT_TRUE(sink[model.tensors[i].name] == model.data[i]);
    }
  }
}

TEST(Split, refuses_sets_that_do_not_fit_together) {
  const LargeModel model;
  const TempFolder folder;
  const auto paths = write_split(folder, model, {2, 4, 7});
  const auto message = [&] {
    const auto description = describe(paths[0]);
    return description ? std::string("none") : description.error().message;
  };
  EXPECT_EQ(message(), "none");

  fs::rename(paths[1], folder / "away");
  EXPECT_THAT(message(), HasSubstr("m-00002-of-00003.gguf: cannot be opened"));
  fs::copy_file(paths[2], paths[1]);
  EXPECT_THAT(message(), HasSubstr("split.no 2 of 3 where 1 of 3 belongs"));
  fs::remove(paths[1]);
  fs::rename(folder / "away", paths[1]);
  Metadata third;
  add_for_testing(third, "split.no", uint16_t{2});
  add_for_testing(third, "split.count", uint16_t{3});
  const std::vector<TensorData> twice = {model.tensors[3], model.tensors[4], model.tensors[5]};
  ASSERT_TRUE(write_file(paths[2], third, twice));
  EXPECT_THAT(message(), HasSubstr("tensor 't3' is there twice"));
  write_split(folder, model, {2, 4, 6});
  EXPECT_THAT(message(), HasSubstr("split.tensors.count is 7, but the files hold 6"));

  fs::rename(paths[0], folder / "other.gguf");
  const auto renamed = describe(folder / "other.gguf");
  ASSERT_FALSE(renamed);
  EXPECT_THAT(renamed.error().message, HasSubstr("must end in '-00001-of-00003.gguf'"));
}

TEST(Describe, says_what_is_not_a_model_file) {
  const TempFolder folder;
  EXPECT_EQ(describe(folder / "absent").error().kind, ErrorKind::unavailable);
  EXPECT_EQ(describe(fs::path(testing::TempDir())).error().kind, ErrorKind::unavailable);
  std::ofstream(folder / "empty").flush();
  EXPECT_EQ(describe(folder / "empty").error().kind, ErrorKind::malformed);
  std::ofstream(folder / "text") << "This is no model.";
  EXPECT_THAT(describe(folder / "text").error().message, HasSubstr("magic at offset 0"));
}

}  // namespace
}  // namespace sotto::gguf
