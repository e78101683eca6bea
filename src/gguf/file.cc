// Describing a model: one header, or the headers of a split set put together.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/file.h"

#include <algorithm>
#include <numeric>

#include "gguf/disk.h"
#include "gguf/header.h"

namespace sotto::gguf {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kHeaderBytesFirst = 1 << 20;
// Far beyond the largest vocabularies (about 20 MB); bounds what a hostile header can occupy.
constexpr uint64_t kHeaderBytesMax = 512 << 20;

struct ParsedFile {
  Header header;
  FileInfo info;
};

// The place of one file in its split set, as it says itself; count is 1 when it says nothing.
struct Split {
  uint16_t number = 0;
  uint16_t count = 1;
};

Result<Split> split_of(const Metadata& metadata) {
  Split split;
  split.count = TRY(metadata.get_or<uint16_t>("split.count", 1));
  split.number = TRY(metadata.get_or<uint16_t>("split.no", 0));
  split.count = std::max<uint16_t>(split.count, 1);  // some writers say 0 for "not split"
  if (split.number >= split.count) {
    return fail(ErrorKind::malformed, "split.no is {} but split.count is {}", split.number,
                split.count);
  }
  return split;
}

FileInfo file_info(const fs::path& path, Bytes file_start, uint64_t file_bytes,
                   const Header& header) {
  return {path, file_bytes, header.bytes, crypto::sha256(file_start.first(header.bytes))};
}

// Reads as much of the file as its header needs, and parses that.
Result<ParsedFile> parse_file(const fs::path& path) {
  const DiskFile file = TRY(DiskFile::open(path));
  std::vector<uint8_t> start;
  for (uint64_t wanted = kHeaderBytesFirst;; wanted *= 4) {
    const uint64_t have = start.size();
    start.resize(std::min({wanted, file.bytes(), kHeaderBytesMax}));
    TRY(file.read_at(have, std::span(start).subspan(have)));
    Result<Header> header = read_header(start, file.bytes());
    if (header) {
      FileInfo info = file_info(path, start, file.bytes(), *header);
      return ParsedFile{std::move(*header), std::move(info)};
    }
    if (header.error().kind != ErrorKind::exhausted || start.size() == kHeaderBytesMax) {
      return within(path.string(), std::move(header).error());
    }
  }
}

Result<void> check_tensor_names_differ(const std::vector<TensorInfo>& tensors) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  const auto name = [&](uint32_t index) { return std::string_view(tensors[index].name); };
  std::ranges::sort(order, {}, name);
  const auto twice = std::ranges::adjacent_find(order, {}, name);
  if (twice != order.end()) {
    return fail(ErrorKind::malformed, "tensor '{}' is there twice", name(*twice));
  }
  return {};
}

void append_file(Description& description, ParsedFile file) {
  const auto index = static_cast<uint32_t>(description.files.size());
  for (TensorInfo& tensor : file.header.tensors) {
    tensor.file = index;
    description.tensors.push_back(std::move(tensor));
  }
  description.files.push_back(std::move(file.info));
}

Description description_of(ParsedFile file) {
  Description description{
      file.header.version, file.header.alignment, std::move(file.header.metadata), {}, {}};
  append_file(description, std::move(file));
  return description;
}

// "/models/x-00002-of-00003.gguf" → "/models/x", given that it says it is the second of three.
Result<std::string> split_prefix(const fs::path& path, const Split& split) {
  const std::string text = path.string();
  const std::string ending = fmt::format("-{:05}-of-{:05}.gguf", split.number + 1, split.count);
  if (!text.ends_with(ending)) {
    return fail(ErrorKind::malformed,
                "{}: by its metadata this is file {} of {}, so its name must end in '{}'", text,
                split.number + 1, split.count, ending);
  }
  return text.substr(0, text.size() - ending.size());
}

Result<void> check_part(const ParsedFile& part, const Split& expected, uint32_t alignment) {
  auto split = split_of(part.header.metadata);
  if (!split) return within(part.info.path.string(), std::move(split).error());
  if (split->number != expected.number || split->count != expected.count) {
    return fail(ErrorKind::malformed, "{}: split.no {} of {} where {} of {} belongs",
                part.info.path.string(), split->number, split->count, expected.number,
                expected.count);
  }
  if (part.header.alignment != alignment) {
    return fail(ErrorKind::malformed, "{}: alignment {} differs from the first file's {}",
                part.info.path.string(), part.header.alignment, alignment);
  }
  return {};
}

// All files of the set that `path` belongs to, in their order.
Result<Description> describe_split(const fs::path& path, const Split& split) {
  const std::string prefix = TRY(split_prefix(path, split));
  Description description{};
  for (uint16_t number = 0; number < split.count; ++number) {
    ParsedFile part =
        TRY(parse_file(fmt::format("{}-{:05}-of-{:05}.gguf", prefix, number + 1, split.count)));
    const uint32_t alignment = number == 0 ? part.header.alignment : description.alignment;
    TRY(check_part(part, {number, split.count}, alignment));
    if (number == 0) {
      description = description_of(std::move(part));
    } else {
      append_file(description, std::move(part));
    }
    if (description.tensors.size() > kTensorsMax) {
      return fail(ErrorKind::malformed, "{}: the set holds more than {} tensors", path.string(),
                  kTensorsMax);
    }
  }
  const auto tensors =
      TRY(description.metadata.get_or<uint64_t>("split.tensors.count", description.tensors.size()));
  if (tensors != description.tensors.size()) {
    return fail(ErrorKind::malformed,
                "{}: split.tensors.count is {}, but the files hold {} tensors", path.string(),
                tensors, description.tensors.size());
  }
  return description;
}

}  // namespace

uint64_t TensorInfo::rows() const {
  uint64_t rows = 1;
  for (size_t i = 1; i < shape.size(); ++i) rows *= shape[i];
  return rows;
}

const TensorInfo* Description::find_tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &TensorInfo::name);
  return found == tensors.end() ? nullptr : &*found;
}

Result<Description> parse_header(Bytes bytes, uint64_t file_bytes) {
  Header header = TRY(read_header(bytes, file_bytes));
  const Split split = TRY(split_of(header.metadata));
  if (split.count > 1) {
    return fail(ErrorKind::unsupported,
                "this is file {} of a split set of {}, which can only be read from disk",
                split.number + 1, split.count);
  }
  FileInfo info = file_info({}, bytes, file_bytes, header);
  Description description = description_of({std::move(header), std::move(info)});
  TRY(check_tensor_names_differ(description.tensors));
  return description;
}

Result<Description> describe(const fs::path& path) {
  ParsedFile file = TRY(parse_file(path));
  auto split = split_of(file.header.metadata);
  if (!split) return within(path.string(), std::move(split).error());
  Description description =
      split->count > 1 ? TRY(describe_split(path, *split)) : description_of(std::move(file));
  const auto differ = check_tensor_names_differ(description.tensors);
  if (!differ) return within(path.string(), differ.error());
  return description;
}

}  // namespace sotto::gguf
