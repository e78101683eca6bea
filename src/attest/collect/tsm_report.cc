// Asking configfs-tsm for a report, with its check against other writers.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/tsm_report.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace sotto::attest::collect {
namespace {

constexpr uint64_t kEvidenceBytesMax = 64 << 10;
constexpr uint64_t kAuxiliaryBytesMax = 256 << 10;
constexpr uint64_t kTextBytesMax = 256;
constexpr int kTries = 4;

Error system_error(const std::filesystem::path& path, int error) {
  const bool refused = error == EACCES || error == EPERM;
  return {refused ? ErrorKind::denied : ErrorKind::unavailable,
          fmt::format("{}: {}", path.string(), std::strerror(error))};
}

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int number;
};

class Folder final : public TsmFolder {
 public:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}

  Result<void> make_entry(const std::string& entry) override {
    const auto path = path_ / entry;
    if (::mkdir(path.c_str(), 0700) != 0) return std::unexpected(system_error(path, errno));
    return {};
  }

  void remove_entry(const std::string& entry) override { ::rmdir((path_ / entry).c_str()); }

  Result<std::vector<uint8_t>> read(const std::string& entry, const std::string& attribute,
                                    uint64_t bytes_max) override {
    const auto path = path_ / entry / attribute;
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number < 0) return std::unexpected(system_error(path, errno));
    std::vector<uint8_t> value;
    for (;;) {
      uint8_t part[4096];
      const ssize_t count = ::read(file.number, part, sizeof(part));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::unexpected(system_error(path, errno));
      if (count == 0) return value;
      value.insert(value.end(), part, part + count);
      if (value.size() > bytes_max) {
        return fail(ErrorKind::exhausted, "{}: more than {} bytes", path.string(), bytes_max);
      }
    }
  }

  // One write(2), since each is a value of its own to the kernel.
  Result<void> write(const std::string& entry, const std::string& attribute, Bytes value) override {
    const auto path = path_ / entry / attribute;
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.number < 0) return std::unexpected(system_error(path, errno));
    const ssize_t count = ::write(file.number, value.data(), value.size());
    if (count < 0) return std::unexpected(system_error(path, errno));
    if (static_cast<size_t>(count) != value.size()) {
      return fail(ErrorKind::unavailable, "{}: {} of {} bytes were taken", path.string(), count,
                  value.size());
    }
    return {};
  }

 private:
  std::filesystem::path path_;
};

// An entry that lives as long as the request for it.
class Entry {
 public:
  static Result<std::unique_ptr<Entry>> make(TsmFolder& folder) {
    static std::atomic<uint64_t> count = 0;
    auto name = fmt::format("sotto-{}-{}", ::getpid(), count.fetch_add(1));
    TRY(folder.make_entry(name));
    return std::unique_ptr<Entry>(new Entry(folder, std::move(name)));
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() { folder_.remove_entry(name_); }

  Result<std::vector<uint8_t>> read(const std::string& attribute, uint64_t bytes_max) {
    return folder_.read(name_, attribute, bytes_max);
  }
  Result<void> write(const std::string& attribute, Bytes value) {
    return folder_.write(name_, attribute, value);
  }
  Result<std::string> read_line(const std::string& attribute) {
    const auto raw = TRY(read(attribute, kTextBytesMax));
    std::string line(raw.begin(), raw.end());
    if (line.ends_with('\n')) line.pop_back();
    return line;
  }
  Result<uint64_t> read_number(const std::string& attribute) {
    const std::string line = TRY(read_line(attribute));
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc() || end != line.data() + line.size()) {
      return fail(ErrorKind::malformed, "configfs-tsm's '{}' is no number", attribute);
    }
    return number;
  }

 private:
  Entry(TsmFolder& folder, std::string name) : folder_(folder), name_(std::move(name)) {}

  TsmFolder& folder_;
  std::string name_;
};

// A guest that runs below a paravisor may only ask for its own level or less privileged ones, and the
// kernel's default is 0. TDX has no levels, and older kernels do not say.
Result<std::optional<uint32_t>> level_to_ask(Entry& entry, const TsmRequest& request) {
  if (request.privilege_level) return request.privilege_level;
  const auto floor = entry.read_number("privlevel_floor");
  if (!floor && floor.error().kind != ErrorKind::unavailable) {
    return std::unexpected(floor.error());
  }
  if (!floor || *floor == 0) return std::nullopt;
  return static_cast<uint32_t>(*floor);
}

// Nothing where somebody else wrote to the entry between our writes and our last read.
Result<std::optional<TsmReport>> request_once(Entry& entry, const TsmRequest& request) {
  const uint64_t generation_before = TRY(entry.read_number("generation"));
  uint64_t writes = 0;
  if (const auto level = TRY(level_to_ask(entry, request))) {
    TRY(entry.write("privlevel", as_bytes(fmt::format("{}", *level))));
    ++writes;
  }
  TRY(entry.write("inblob", request.report_data));
  ++writes;
  TsmReport report;
  report.evidence = TRY(entry.read("outblob", kEvidenceBytesMax));
  if (report.evidence.empty()) {
    return fail(ErrorKind::unavailable, "configfs-tsm's 'outblob' is empty");
  }
  auto auxiliary = entry.read("auxblob", kAuxiliaryBytesMax);
  if (auxiliary) {
    report.auxiliary = std::move(*auxiliary);
  } else if (auxiliary.error().kind != ErrorKind::unavailable) {
    return std::unexpected(std::move(auxiliary).error());
  }
  report.provider = TRY(entry.read_line("provider"));
  const uint64_t generation_after = TRY(entry.read_number("generation"));
  if (generation_after != generation_before + writes) return std::nullopt;
  return report;
}

}  // namespace

std::unique_ptr<TsmFolder> open_tsm_folder(std::filesystem::path path) {
  return std::make_unique<Folder>(std::move(path));
}

Result<TsmReport> request_tsm_report(TsmFolder& folder, const TsmRequest& request) {
  const auto entry = TRY(Entry::make(folder));
  for (int tries = 0; tries < kTries; ++tries) {
    auto report = TRY(request_once(*entry, request));
    if (report) return std::move(*report);
  }
  return fail(ErrorKind::unavailable, "somebody else writes to our configfs-tsm entry; {} tries",
              kTries);
}

}  // namespace sotto::attest::collect
